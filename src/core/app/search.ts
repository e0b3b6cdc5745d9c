import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { Technology } from '../analysis/index.ts'
import type { Settings } from '../config/index.ts'
import { type Git, belowRoot, fromTop } from '../git/index.ts'
import type { DecidedChange } from '../improvement/index.ts'
import type { Artifact, FactReader, Forgotten, Past, ScoreWeights, SearchService } from '../search/index.ts'
import type { Database } from '../storage/index.ts'
import { type AppContext, once } from './context.ts'
import type { Embedding } from './embedding.ts'
import type { Grammars } from './grammars.ts'
import type { Reading } from './reading.ts'

export type SearchParts = {
  context: AppContext
  /** state.db and cache.db; asked for only where such a file lies. */
  database: () => Promise<Database>
  cacheFile: () => Promise<Database | undefined>
  technologies: () => Promise<readonly Technology[]>
  git: () => Promise<Git>
  stateDir: () => Promise<string>
  settings: () => Promise<Settings>
  reading: Reading
  grammars: Grammars
  embedding: Pick<Embedding, 'space' | 'reopen'>
}

/** Decided changes that are looked at, the latest. */
const MOST_CHANGES = 2000

/** The index of this repository and the search over it; both are loaded when they are first asked for. */
export function composeSearch(parts: SearchParts) {
  const { context, git, stateDir, settings, reading, grammars, embedding, database, cacheFile, technologies } = parts
  const reader = once(async (): Promise<FactReader> => {
    const { createSearchReader } = await import('./search-reader.ts')
    return createSearchReader(reading)
  })

  async function changes(): Promise<readonly DecidedChange[]> {
    if (!existsSync(join(await stateDir(), 'state.db'))) return []
    const [db, { readDecided }] = await Promise.all([database(), import('../improvement/index.ts')])
    return readDecided(db, MOST_CHANGES)
  }

  async function answered(): Promise<ReadonlyMap<string, Past>> {
    const db = existsSync(join(await stateDir(), 'cache.db')) ? await cacheFile() : undefined
    if (db === undefined) return new Map()
    const records = (await import('../answering/index.ts')).readRuleRecords(db)
    return new Map([...records].map(([rule, { agreed, trials }]) => [rule, { uses: trials, successes: agreed, lastUsedAt: null }]))
  }

  async function artifacts(): Promise<Artifact[]> {
    const { gatherKnowledge } = await import('./knowledge.ts')
    const { root } = (await git()).repository
    const dataFolder = join(context.packageRoot, 'templates_data')
    return gatherKnowledge({ dataFolder, root, changes, answered, technologies, warn: context.warn ?? (() => undefined) })
  }

  async function weights(): Promise<ScoreWeights> {
    const resolved = await settings()
    return {
      similarity: resolved.get('search.similarity_weight'),
      success: resolved.get('search.success_weight'),
      recency: resolved.get('search.recency_weight'),
      halfLifeDays: resolved.get('search.recency_half_life_days'),
    }
  }

  async function codePast(): Promise<{ most: number; byPath: ReadonlyMap<string, Past> } | undefined> {
    const most = (await settings()).get<number>('search.code_past')
    if (most === 0) return undefined
    const { pastBy } = await import('./knowledge.ts')
    return { most, byPath: pastBy(await changes(), ({ files }) => files) }
  }

  const service = once(async (): Promise<SearchService> => {
    const [opened, folder, { createSearch }, facts] = await Promise.all([git(), stateDir(), import('../search/index.ts'), reader()])
    // sandboxes may lie below the repository where the state home does
    const { root } = opened.repository
    const ours = join(context.stateHome, 'singularity')
    const own = belowRoot(root, ours)
    return createSearch({
      git: opened,
      folder,
      reader: facts,
      now: () => context.clock.now(),
      monotonic: () => context.clock.monotonic(),
      exclude: own === null ? [] : [`${own}/`],
      space: embedding.space,
      reopen: embedding.reopen,
      sandbox: root.startsWith(ours + sep),
      include: once(async () => (await settings()).get<readonly string[]>('search.include')),
      artifacts: once(artifacts),
      weights: once(weights),
      codePast: once(codePast),
    })
  })

  /** The service, when grammars of this worktree's languages have come: what is indexed should be read by its syntax. */
  async function prepared(signal: AbortSignal): Promise<SearchService> {
    const { paths } = await (await import('./code-files.ts')).openTree(await git(), { paths: [] })
    await grammars.bringFor(paths, signal)
    return service()
  }

  /** Paths as the user wrote them; `null`: what nobody has any more. */
  async function forget(paths: readonly string[] | null): Promise<Forgotten> {
    const { repository } = await git()
    return (await service()).forget(paths === null ? { gone: true } : { paths: paths.map((path) => fromTop(repository, path)) })
  }

  /** Whether a search that found no index builds one when it has answered. */
  async function buildsAfter(onTerminal: boolean): Promise<boolean> {
    const when = (await settings()).get<'terminal' | 'always' | 'never'>('search.build')
    return when === 'always' || (when === 'terminal' && onTerminal && !context.ci)
  }

  return { service, prepared, reader, forget, buildsAfter }
}
