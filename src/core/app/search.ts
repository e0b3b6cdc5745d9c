import { join, sep } from 'node:path'
import type { Settings } from '../config/index.ts'
import { type Git, belowRoot, fromTop } from '../git/index.ts'
import type { FactReader, Forgotten, SearchService } from '../search/index.ts'
import { type AppContext, once } from './context.ts'
import type { Embedding } from './embedding.ts'
import type { Grammars } from './grammars.ts'
import type { Reading } from './reading.ts'

export type SearchParts = {
  context: AppContext
  git: () => Promise<Git>
  stateDir: () => Promise<string>
  settings: () => Promise<Settings>
  reading: Reading
  grammars: Grammars
  embedding: Pick<Embedding, 'space' | 'reopen'>
}

/** The index of this repository and the search over it; both are loaded when they are first asked for. */
export function composeSearch({ context, git, stateDir, settings, reading, grammars, embedding }: SearchParts) {
  const reader = once(async (): Promise<FactReader> => {
    const { createSearchReader } = await import('./search-reader.ts')
    return createSearchReader(reading)
  })

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
