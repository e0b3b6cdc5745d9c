import { join } from 'node:path'
import { type Clock, SingularityError, parseJson } from '../../kernel/index.ts'
import { readPrivate, writePrivate } from './private-file.ts'
import type { SecretStore } from './secret-store.ts'
import { createAgeFile } from './stores/age-file.ts'
import { createSystemStore } from './stores/system.ts'

export type SecretsDeps = {
  env: Readonly<Record<string, string | undefined>>
  /** Our folder below the user's configuration. */
  folder: string
  platform: NodeJS.Platform
  clock: Clock
  /** Asks a person for the passphrase of the file; null where nobody can be asked (never a prompt headless). */
  askPassphrase: (() => Promise<string | null>) | null
  /** For tests: scrypt's work. */
  workFactor?: number
}

export type SecretInfo = {
  name: string
  store: 'environment' | 'system' | 'file'
  set_at: string | null
  rotated_at: string | null
  expires_at: string | null
  state: 'ok' | 'expires_soon' | 'expired'
}

export type Secrets = {
  /** The environment first, then the store it was put into; null: there is none. @throws SECRETS_LOCKED */
  get(name: string): Promise<string | null>
  /** Values that were handed out or taken in here: they leave the machine in no request. */
  known(): readonly string[]
  /** Whether there is one, without opening anything. */
  has(name: string): boolean
  /** Stored keys, and those of `names` that are in the environment. Never values. */
  list(names: readonly string[]): SecretInfo[]
  /** @throws SECRETS_LOCKED, USAGE */
  set(name: string, value: string, options?: SetOptions): Promise<SecretInfo>
  /** Replaces the value where it is and keeps how long such a key lives. @throws NOT_FOUND, SECRETS_LOCKED, USAGE */
  rotate(name: string, value: string): Promise<SecretInfo>
}

type SetOptions = { store?: 'system' | 'file'; lifetimeMs?: number }
type Entry = { store: 'system' | 'file'; set_at: string; rotated_at: string | null; lifetime_ms: number | null }
type Index = Record<string, Entry>

const SOON_MS = 14 * 86_400_000

/** Keys of providers. What stands on disk in clear are names and dates. */
export function createSecrets(deps: SecretsDeps): Secrets {
  const { env, folder, clock } = deps
  const indexFile = join(folder, 'secrets.json')
  const stores: Readonly<Record<'system' | 'file', SecretStore>> = {
    system: createSystemStore({ env, platform: deps.platform, cwd: '/' }),
    file: createAgeFile({
      path: join(folder, 'secrets.age'),
      identityFile: env['SINGULARITY_SECRETS_IDENTITY'] || null,
      passphrase: env['SINGULARITY_SECRETS_PASSPHRASE'] || null,
      askPassphrase: deps.askPassphrase,
      ...(deps.workFactor !== undefined && { workFactor: deps.workFactor }),
    }),
  }
  const seen = new Set<string>()
  const readIndex = (): Index => (parseJson(readPrivate(indexFile)?.toString('utf8') ?? '') ?? {}) as Index
  const fromEnvironment = (name: string): string | null => (Object.hasOwn(env, name) ? env[name] || null : null)
  const entryOf = (name: string): Entry | undefined => {
    const index = readIndex()
    return Object.hasOwn(index, name) ? index[name] : undefined
  }
  const iso = (): string => new Date(clock.now()).toISOString()
  const infoOf = (name: string, { store, set_at, rotated_at, lifetime_ms: lifetime }: Entry): SecretInfo => {
    const end = lifetime === null ? null : Date.parse(rotated_at ?? set_at) + lifetime
    const left = end === null ? Infinity : end - clock.now()
    const state = left <= 0 ? 'expired' : left < SOON_MS ? 'expires_soon' : 'ok'
    return { name, store, set_at, rotated_at, expires_at: end === null ? null : new Date(end).toISOString(), state }
  }
  const put = async (name: string, value: string, entry: Entry): Promise<SecretInfo> => {
    await stores[entry.store].set(name, checkValue(value))
    seen.add(value)
    writePrivate(indexFile, `${JSON.stringify({ ...readIndex(), [name]: entry }, null, 2)}\n`)
    return infoOf(name, entry)
  }

  return {
    async get(name) {
      const own = fromEnvironment(name)
      if (own !== null) return own
      const entry = entryOf(name)
      const stored = entry ? await stores[entry.store].get(name) : null
      if (stored !== null) seen.add(stored)
      return stored
    },
    known: () => [...seen],
    has: (name) => fromEnvironment(name) !== null || entryOf(name) !== undefined,
    list(names) {
      const inEnvironment = names.filter((name) => fromEnvironment(name) !== null)
      const present = inEnvironment.map((name): SecretInfo => {
        const nothing = { set_at: null, rotated_at: null, expires_at: null }
        return { name, store: 'environment', ...nothing, state: 'ok' }
      })
      const stored = Object.entries(readIndex())
        .filter(([name]) => fromEnvironment(name) === null)
        .map(([name, entry]) => infoOf(name, entry))
      return [...present, ...stored].sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async set(name, value, { store, lifetimeMs } = {}) {
      checkName(name)
      const chosen = store ?? (stores.system.available() ? 'system' : 'file')
      if (!stores[chosen].available())
        throw new SingularityError(
          'SECRETS_LOCKED',
          `The ${chosen === 'system' ? "system's secret store" : 'encrypted file'} cannot be used here.`,
          {
            hints: ['export SINGULARITY_SECRETS_PASSPHRASE=...', `export ${name}=...`],
          },
        )
      return put(name, value, { store: chosen, set_at: iso(), rotated_at: null, lifetime_ms: lifetimeMs ?? null })
    },
    async rotate(name, value) {
      const entry = entryOf(name)
      if (!entry) throw new SingularityError('NOT_FOUND', `No key is stored as ${name}.`, { hints: ['singularity secrets list'] })
      return put(name, value, { ...entry, rotated_at: iso() })
    },
  }
}

function checkName(name: string): string {
  if (/^[A-Z][A-Z0-9_]{2,99}$/.test(name)) return name
  throw new SingularityError('USAGE', `A key is named like an environment variable (OPENAI_API_KEY), not ${JSON.stringify(name)}.`)
}

function checkValue(value: string): string {
  if (value === '') throw new SingularityError('USAGE', 'The key is empty.')
  // oxlint-disable-next-line no-control-regex -- a pasted line break or escape sequence would be sent in a header
  if (/[\u0000-\u001f\u007f]/.test(value)) throw new SingularityError('USAGE', 'The key holds a line break or a control character.')
  return value
}
