import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { Settings } from '../config/index.ts'
import type { FloatEmbedder, ModelFolder } from '../embedding/index.ts'
import { SingularityError, asObject, makeFolder, oneLine, parseJson } from '../kernel/index.ts'
import type { SentRecord } from '../llm/index.ts'
import type { VectorSpace } from '../search/index.ts'
import { type AppContext, once } from './context.ts'
import { type InstallOptions, type RuntimeReport, installRuntime } from './embedding-runtime.ts'

export type EmbeddingModelParts = {
  context: AppContext
  settings: () => Promise<Settings>
  record: () => Promise<SentRecord>
  onWarning: (text: string) => void
  onClose: (close: () => void | Promise<void>) => void
  /** A model of a server, by 'provider/model'; it asks for what it needs to send anything. */
  endpoint: (name: string, dimensions: number | null) => Promise<FloatEmbedder>
}

/** What `embedding check` found out by making vectors. */
export type ModelCheck = {
  model: string
  kind: 'bundled' | 'folder' | 'endpoint'
  dimensions: number
  scale: number
  /** Milliseconds that the first question took, with what had to be loaded, and the second one. */
  firstMs: number
  nextMs: number
}

/** Vectors of a model that has to be waited for, or paid for: lost with a kill at most, and made by a search before it answers. */
const PACE = { batch: 64, beforeAnswer: 64 } as const
/** Folders whose models can still answer when another is set. */
const REMEMBERED = 20

export type EmbeddingModels = ReturnType<typeof openEmbeddingModels>

/** The embedding model: the bundled one, or what the user's own settings name. */
export function openEmbeddingModels({ context, settings, record, onWarning, onClose, endpoint }: EmbeddingModelParts) {
  const room = () => import('../embedding/index.ts')
  const memoryFile = join(context.stateHome, 'singularity', 'embedding-models.json')
  const runtimeFolder = join(context.env['XDG_DATA_HOME'] || join(context.home, '.local', 'share'), 'singularity', 'embedding-runtime')

  const bundled = once(async () => (await room()).openBundledEmbedder(join(context.packageRoot, 'templates_data', 'models', 'code-1')))

  /** What the settings ask for; nothing of a model runs yet. @throws MODEL_UNUSABLE, EMBEDDING_MISMATCH, and as a server's model does */
  const open = async (): Promise<VectorSpace> => {
    const resolved = await settings()
    for (const { name, reason } of resolved.refused.filter((each) => each.name.startsWith('embedding.')))
      onWarning(`${name} is ignored: ${reason}.`)
    const model = resolved.get<string | null>('embedding.model')
    const dimensions = resolved.get<number | null>('embedding.dimensions')
    if (model === null || model === '' || model === BUNDLED) return asWide(await bundled(), dimensions)
    const folder = folderOf(model, resolved.list().find(({ name }) => name === 'embedding.model')!.origin)
    if (folder === undefined) return { ...(await endpoint(known(model), dimensions)), pace: PACE }
    const found = (await room()).readModelFolder(folder, dimensions)
    remember(found)
    return openFolder(found)
  }

  function asWide<T extends { dimensions: number }>(own: T, dimensions: number | null): T {
    if (dimensions === null || dimensions === own.dimensions) return own
    throw new SingularityError(
      'EMBEDDING_MISMATCH',
      `The bundled embedding model makes ${own.dimensions} dimensions, ${dimensions} are set.`,
      {
        hints: ['singularity config list --origin   # embedding.dimensions, embedding.model'],
      },
    )
  }

  /** Tried again where it failed: what was missing may have come. */
  let opening: Promise<VectorSpace> | undefined
  const space = (): Promise<VectorSpace> =>
    (opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    }))

  async function openFolder(model: ModelFolder): Promise<VectorSpace> {
    const resolved = await settings()
    const { openLocalEmbedder } = await room()
    const embedder = openLocalEmbedder(model, {
      childFile: join(context.packageRoot, 'dist', 'model-child.js'),
      runtimeFolders: [context.packageRoot, runtimeFolder],
      threads: context.threads ?? 1,
      batch: resolved.get('embedding.batch'),
      timeoutMs: resolved.get('embedding.timeout'),
    })
    onClose(() => embedder.close())
    return { ...embedder, pace: PACE }
  }

  /** A name with a slash may be both: a folder is written as a path. */
  function folderOf(model: string, origin: string): string | undefined {
    if (model === '~' || model.startsWith('~/')) return join(context.home, model.slice(1))
    if (isAbsolute(model)) return model
    if (!/^\.\.?(?:[/\\]|$)/.test(model)) return undefined
    // in a file it would name another folder in every repository, and whatever a clone puts there
    if (origin === 'user')
      throw new SingularityError('CONFIG_INVALID', `embedding.model of your settings has to be a whole path, not ${oneLine(model)}.`, {
        hints: [`singularity config set embedding.model ${resolve(context.cwd, model)}`],
      })
    return resolve(context.cwd, model)
  }

  /** @throws MODEL_UNUSABLE for what can be no model of a server */
  function known(model: string): string {
    if (/^[\w.-]+\/\S/.test(model)) return model
    throw new SingularityError('MODEL_UNUSABLE', `embedding.model is ${oneLine(model)}: neither a folder nor a model of a server.`, {
      hints: ['singularity config set embedding.model ~/models/NAME', 'singularity config set embedding.model ollama/NAME'],
    })
  }

  /** Another model the index has vectors of. Its folder is one that the user has named before, never one that an index names. */
  async function reopen(id: string): Promise<VectorSpace | undefined> {
    const { readModelFolder } = await room()
    const own = await bundled()
    if (id === own.id) return own
    const [, name] = /^endpoint:(.+):(?:\d+|any)$/.exec(id) ?? []
    try {
      if (name !== undefined) {
        const opened = await endpoint(name, id.endsWith(':any') ? null : Number(id.slice(id.lastIndexOf(':') + 1)))
        return opened.id === id ? { ...opened, pace: PACE } : undefined
      }
      const folder = remembered()[id]
      const found = typeof folder === 'string' ? readModelFolder(folder) : undefined
      return found?.id === id ? await openFolder(found) : undefined
    } catch {
      return undefined // what cannot be opened does not answer
    }
  }

  function remembered(): Readonly<Record<string, unknown>> {
    return existsSync(memoryFile) ? asObject(parseJson(readFileSync(memoryFile, 'utf8'))) : {}
  }

  function remember({ id, folder }: ModelFolder): void {
    const known = remembered()
    if (known[id] === folder) return
    const kept = [...Object.entries(known).filter(([each]) => each !== id), [id, folder]].slice(-REMEMBERED)
    makeFolder(join(context.stateHome, 'singularity'))
    const temporary = `${memoryFile}.${process.pid}`
    writeFileSync(temporary, JSON.stringify(Object.fromEntries(kept)), { mode: 0o600 })
    renameSync(temporary, memoryFile)
  }

  /** Has the model of the settings answer two questions. @throws whatever keeps it from that */
  async function check(): Promise<ModelCheck> {
    const opened = await space()
    const { clock } = context
    const started = clock.monotonic()
    const card = (await opened.prepare?.(undefined)) ?? (await bundled())
    await opened.embedQuery('read a configuration file')
    const between = clock.monotonic()
    await opened.embedQuery('sort entries by date')
    const nextMs = clock.monotonic() - between
    const kind = opened.pace === undefined ? 'bundled' : opened.id.startsWith('local:') ? 'folder' : 'endpoint'
    return { model: opened.id, kind, dimensions: card.dimensions, scale: card.scale, firstMs: between - started, nextMs }
  }

  /** The host that pieces of this repository would go to, where nobody has said yes to that so far; null: nothing has to be asked. */
  async function awaitsConsent(): Promise<string | null> {
    try {
      await space()
      return null
    } catch (error) {
      const { host, consent: asked } = SingularityError.isInstance(error) ? (error.data ?? {}) : {}
      return asked === true && typeof host === 'string' ? host : null
    }
  }

  /** @throws SENDING_NOT_ALLOWED where the user's own settings do not name the host */
  async function consent(host: string, options: { revoke: boolean }): Promise<{ host: string; consent: boolean; changed: boolean }> {
    const records = await record()
    if (options.revoke) return { host, consent: false, changed: records.revokeConsent(host) }
    const allowed = (await settings()).get<readonly string[]>('embedding.allow')
    if (!allowed.includes(host) && !allowed.includes(host.replace(/:\d+$/, '')))
      throw new SingularityError('SENDING_NOT_ALLOWED', `${host} is not among the hosts that may get pieces of your repositories.`, {
        hints: [`singularity config set embedding.allow ${[...allowed, host].join(',')}`],
      })
    return { host, consent: true, changed: records.grantConsent(host, context.env['USER'] ?? 'unknown') }
  }

  const install = async (options: InstallOptions): Promise<RuntimeReport> =>
    installRuntime(context, runtimeFolder, { ...options, offline: (await settings()).get<boolean>('offline') })

  return { space, reopen, check, awaitsConsent, consent, install }
}

const BUNDLED = 'bundled'
