import { readFileSync, statSync } from 'node:fs'
import { environmentName, readSettingsFile } from '../config/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { Complexity } from '../queue/index.ts'
import { narrow } from './narrow.ts'
import {
  type EmbeddingFile,
  type ModelFile,
  type ProviderFile,
  type RoutingFile,
  toEmbedding,
  toModel,
  toProvider,
} from './routing-file.ts'
import { ROUTING_SCHEMA } from './routing-schema.ts'
import { type RouteEntry, type RoutingTable, findModel } from './routing.ts'
import { findProblems } from './shape.ts'

export type RoutingSources = {
  /** templates_data/llm/routing.json. */
  packagedFile: string
  /** llm.json in the user's configuration folder. */
  userFile: string
  /** .singularity/config.json of the working tree; null outside a repository. */
  repositoryFile: string | null
  env: Readonly<Record<string, string | undefined>>
  /** What `llm budget set` wrote, in dollars. */
  userCaps?: () => { dayUsd?: number; monthUsd?: number }
}

/** Where a value came from, as `RoutingTable.origins` tells it. */
export type RoutingOrigin = 'default' | 'user file' | 'llm budget' | 'environment' | 'repository'

export type RoutingSource = {
  /** The table as the files are now. @throws CONFIG_INVALID, CONFIG_UNTRUSTED, LEDGER_UNUSABLE */
  table(): RoutingTable
  /** What a request is read with: whoever only writes one down needs no ledger. @throws CONFIG_INVALID, CONFIG_UNTRUSTED */
  plan(): Pick<RoutingTable, 'tasks' | 'maxRetries'>
}

const TIERS: readonly Complexity[] = ['simple', 'medium', 'complex']
type Tree = Record<string, unknown>
type Origins = Map<string, RoutingOrigin>

/** Reads the files again whenever one of them changed: routing needs no restart. */
export function createRoutingSource(sources: RoutingSources): RoutingSource {
  const { userCaps: _caps, ...files } = sources
  return { table: remembered(sources), plan: remembered(files) }
}

function remembered(sources: RoutingSources): () => RoutingTable {
  let seen: { stamp: string; table: RoutingTable } | undefined
  return () => {
    const files = [sources.packagedFile, sources.userFile, sources.repositoryFile]
    const stamp = JSON.stringify([files.map(stampOf), sources.userCaps?.() ?? null])
    if (seen?.stamp !== stamp) seen = { stamp, table: loadRouting(sources) }
    return seen.table
  }
}

function stampOf(path: string | null): string {
  const info = path === null ? undefined : statSync(path, { throwIfNoEntry: false, bigint: true })
  return info ? `${info.mtimeNs} ${info.size} ${info.ino}` : ''
}

/**
 * Packaged table < the user's llm.json < `llm budget set` < environment, then narrowed by the repository's file.
 * @throws CONFIG_INVALID naming file and key, CONFIG_UNTRUSTED
 */
export function loadRouting(sources: RoutingSources): RoutingTable {
  const origins: Origins = new Map()
  const tree: Tree = {}
  merge(tree, checked(JSON.parse(readFileSync(sources.packagedFile, 'utf8')), sources.packagedFile), 'default', origins)
  merge(tree, checked(readSettingsFile(sources.userFile), sources.userFile), 'user file', origins)
  const { dayUsd, monthUsd } = sources.userCaps?.() ?? {}
  const caps = { ...(dayUsd !== undefined && { day_usd: dayUsd }), ...(monthUsd !== undefined && { month_usd: monthUsd }) }
  merge(tree, { budgets: caps }, 'llm budget', origins)
  merge(tree, fromEnvironment(sources.env), 'environment', origins)
  let file = whole(tree as unknown as RoutingFile, sources.userFile)
  preferDefaultModel(file, sources.env['DEFAULT_LLM_MODEL'], origins)
  const section = sources.repositoryFile === null ? undefined : readSettingsFile(sources.repositoryFile)['llm']
  if (section !== undefined) file = narrow(file, section, sources.repositoryFile!, (path) => origins.set(path, 'repository'))
  return toTable(file, origins)
}

function checked(value: unknown, file: string): Tree {
  const [problem] = findProblems(ROUTING_SCHEMA, value)
  if (problem)
    throw new SingularityError('CONFIG_INVALID', `${file}: ${problem.path} ${problem.message}.`, { hints: ['singularity llm routes'] })
  return value as Tree
}

/** Objects are merged key by key, everything else is replaced; `origins` learns where each value came from. */
function merge(target: Tree, from: Tree, origin: RoutingOrigin, origins: Origins, prefix = ''): void {
  for (const [key, value] of Object.entries(from)) {
    const path = `${prefix}${key}`
    const below = target[key]
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const inner = typeof below === 'object' && below !== null && !Array.isArray(below) ? (below as Tree) : {}
      target[key] = inner
      merge(inner, value as Tree, origin, origins, `${path}.`)
    } else {
      target[key] = value
      origins.set(path, origin)
    }
  }
}

function fromEnvironment(env: RoutingSources['env']): Tree {
  const amount = (name: string, least = 0): number | undefined => {
    const text = env[name]?.trim()
    if (text === undefined || text === '') return undefined
    const value = Number(text)
    if (!Number.isFinite(value) || value < least)
      throw new SingularityError('CONFIG_INVALID', `${name} must be a number from ${least} on, not ${JSON.stringify(text)}.`)
    return value
  }
  const address = (name: string): { base_url: string } | undefined => {
    const text = env[name]?.trim()
    if (!text) return undefined
    if (!/^https?:\/\//.test(text) || !URL.canParse(text))
      throw new SingularityError('CONFIG_INVALID', `${name} must be an http address, not ${JSON.stringify(text)}.`)
    return { base_url: text }
  }
  const timeout = amount('LLM_TIMEOUT_MS', 1)
  const retries = amount('LLM_MAX_RETRIES')
  const budgets = Object.fromEntries(
    (['run', 'day', 'month'] as const).flatMap((scope) => {
      const value = amount(environmentName(`llm.budget.${scope}`))
      return value === undefined ? [] : [[`${scope}_usd`, value]]
    }),
  )
  const [openai, anthropic, ollama] = [address('OPENAI_BASE_URL'), address('ANTHROPIC_BASE_URL'), ollamaAddress(env['OLLAMA_HOST'])]
  return {
    ...(timeout !== undefined && { routes: { simple: { timeout_ms: Math.floor(timeout) } } }),
    ...(retries !== undefined && { max_retries: Math.min(10, Math.floor(retries)) }),
    budgets,
    providers: {
      ...(openai && { openai }),
      ...(anthropic && { anthropic }),
      ...(ollama && { ollama: { base_url: ollama, enabled: true } }),
    },
  }
}

/** Ollama's own variable: `127.0.0.1:11434`, `host`, or an address. Whoever sets it wants the server to be used. */
function ollamaAddress(host: string | undefined): string | undefined {
  if (!host?.trim()) return undefined
  const text = /^https?:\/\//.test(host) ? host.trim() : `http://${host.trim()}`
  if (!URL.canParse(text))
    throw new SingularityError('CONFIG_INVALID', `OLLAMA_HOST must be a host or an address, not ${JSON.stringify(host)}.`)
  const url = new URL(text)
  if (url.port === '' && !/:\d+\/?$/.test(text) && url.protocol === 'http:') url.port = '11434'
  // the server listens on every interface of this address; a client has to name one
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
  return `${url.origin}${url.pathname === '/' ? '/v1' : url.pathname}`
}

/** Every name that is used is there, and every entry has what it needs. */
function whole(file: RoutingFile, userFile: string): RoutingFile {
  const wrong = (path: string, why: string): never => {
    throw new SingularityError('CONFIG_INVALID', `${userFile}: ${path} ${why}.`, { hints: ['singularity llm models'] })
  }
  for (const [name, provider] of Object.entries(file.providers))
    if (provider.api === undefined) wrong(`providers.${name}.api`, 'is missing')
  for (const [name, model] of Object.entries(file.models)) {
    for (const key of ['id', 'context', 'max_output'] as const) if (model[key] === undefined) wrong(`models.${name}.${key}`, 'is missing')
    if (!Object.hasOwn(file.providers, providerOf(name)))
      wrong(`models.${name}`, `belongs to no provider: its name starts with one, and a slash`)
    const price = model.usd_per_mtok
    if (price && (price.input === undefined || price.output === undefined)) wrong(`models.${name}.usd_per_mtok`, 'needs input and output')
  }
  for (const [name, embedding] of Object.entries(file.embeddings)) {
    if (embedding.id === undefined) wrong(`embeddings.${name}.id`, 'is missing')
    if (!Object.hasOwn(file.providers, providerOf(name)))
      wrong(`embeddings.${name}`, `belongs to no provider: its name starts with one, and a slash`)
  }
  for (const tier of TIERS)
    for (const name of file.routes[tier].models)
      if (!Object.hasOwn(file.models, name)) wrong(`routes.${tier}.models`, `names ${name}, which is no model of the table`)
  for (const [alias, name] of Object.entries(file.aliases))
    if (!Object.hasOwn(file.models, name)) wrong(`aliases.${alias}`, `names ${name}, which is no model of the table`)
  return file
}

const providerOf = (model: string): string => model.slice(0, Math.max(0, model.indexOf('/')))

/** The seeds' default_model: it comes first in every route, the others stay behind it. */
function preferDefaultModel(file: RoutingFile, name: string | undefined, origins: Origins): void {
  if (!name?.trim()) return
  const table = { models: modelsOf(file).models, aliases: file.aliases }
  const model = findModel(table, name.trim())
  if (!model)
    throw new SingularityError('CONFIG_INVALID', `DEFAULT_LLM_MODEL names ${name}, which is no model of the table.`, {
      hints: ['singularity llm models'],
    })
  for (const tier of TIERS) {
    file.routes[tier] = { ...file.routes[tier], models: [model.name, ...file.routes[tier].models.filter((each) => each !== model.name)] }
    origins.set(`routes.${tier}.models`, 'environment')
  }
}

function modelsOf(file: RoutingFile): Pick<RoutingTable, 'providers' | 'models' | 'embeddings'> {
  const providers = new Map(Object.entries<ProviderFile>(file.providers).map(([name, each]) => [name, toProvider(name, each)]))
  const models = new Map(
    Object.entries<ModelFile>(file.models).map(([name, each]) => [name, toModel(name, each, providers.get(providerOf(name))!)]),
  )
  const embeddings = new Map(
    Object.entries<EmbeddingFile>(file.embeddings).map(([name, each]) => [name, toEmbedding(name, each, providers.get(providerOf(name))!)]),
  )
  return { providers, models, embeddings }
}

function toTable(file: RoutingFile, origins: Origins): RoutingTable {
  const routes = Object.fromEntries(
    TIERS.map((tier): [Complexity, RouteEntry] => {
      const { models, max_cost_usd = null, timeout_ms, reasoning = null } = file.routes[tier]
      return [tier, { models, maxCostUsd: max_cost_usd, timeoutMs: timeout_ms, reasoning }]
    }),
  ) as Record<Complexity, RouteEntry>
  const { run_usd, day_usd, month_usd, tasks, models } = file.budgets
  return {
    asOf: file.as_of,
    staleAfterDays: file.stale_after_days,
    ...modelsOf(file),
    routes,
    tasks: file.tasks,
    aliases: file.aliases,
    budgets: { runUsd: run_usd ?? Infinity, dayUsd: day_usd ?? Infinity, monthUsd: month_usd ?? Infinity, tasks, models },
    privacy: file.privacy.allow,
    allowUnpriced: file.allow_unpriced,
    maxRetries: file.max_retries,
    origins,
  }
}
