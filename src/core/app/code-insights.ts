import { relative, resolve, sep } from 'node:path'
import type { Duplicates, HistoryCounts, HotSpot, Tag, UnusedExports } from '../analysis/index.ts'
import type { TemplateFacts } from '../parsing/index.ts'
import { type CodeQuery, openTree } from './code-files.ts'
import { type SourceParts, composeSources } from './code-sources.ts'

export type HotSpots = {
  /** The commit the history was read from; null where there is none. */
  head: string | null
  /** Of the history, in ms; null: all of it. */
  since: number | null
  maxFiles: number
  history: HistoryCounts
  /** The history was cut when the repository was cloned. */
  shallow: boolean
  /** How many files have a score. */
  total: number
  /** The hottest first. */
  files: (HotSpot & { test: boolean })[]
}

export type HotSpotOptions = {
  since?: number | undefined
  /** 30 */
  maxFiles?: number
  /** All where none is given. */
  limit?: number
  signal?: AbortSignal
}

export type DuplicateOptions = { least: number; normalized: boolean; signal?: AbortSignal }

export type Template = { path: string } & TemplateFacts

/** Bytes. */
const LARGEST_TEMPLATE = 262_144

/** What takes all files of a repository to be seen. */
export function composeInsights(parts: SourceParts) {
  const sources = composeSources(parts)

  async function hotSpots(query: CodeQuery, { since, limit, signal, ...options }: HotSpotOptions): Promise<HotSpots> {
    const [git, { readHistory }, analysis] = await Promise.all([parts.git(), import('../git/index.ts'), import('../analysis/index.ts')])
    const maxFiles = options.maxFiles ?? analysis.MOST_FILES
    const [head, listed, commits] = await Promise.all([
      git.resolve('HEAD^{commit}'),
      git.run(['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']),
      readHistory(git, { since, ...(signal && { signal }) }),
    ])
    const history = analysis.countHistory(commits, { present: new Set(listed.text.split('\0')), mostFiles: maxFiles })
    const spots: (HotSpot & { test: boolean })[] = []
    for await (const { path, facts, class: name } of sources(query, { wanted: (each) => history.files.has(each), signal })) {
      const spot = facts === null ? undefined : analysis.hotSpotOf(path, analysis.measureFile(facts, 'default'), history.files.get(path)!)
      if (spot !== undefined) spots.push({ ...spot, test: name === 'test' })
    }
    return {
      head: head ?? null,
      since: since ?? null,
      maxFiles,
      history,
      shallow: git.repository.shallow,
      total: spots.length,
      files: analysis.rankHotSpots(spots).slice(0, limit),
    }
  }

  /** Definitions of every file, by path and line. */
  async function tags(query: CodeQuery, signal?: AbortSignal): Promise<Tag[]> {
    const { tagsOf } = await import('../analysis/index.ts')
    const found: Tag[] = []
    for await (const { path, bytes, facts } of sources(query, { signal })) if (facts !== null) found.push(...tagsOf(path, bytes, facts))
    return found
  }

  /** The tags file; `folder`: where it will lie, for editors start from there. */
  async function tagsFile(tags: readonly Tag[], { version, folder }: { version: string; folder: string }): Promise<string> {
    const [{ formatTags }, { repository }] = await Promise.all([import('../analysis/index.ts'), parts.git()])
    return formatTags(tags, version, (path) => relative(folder, resolve(repository.root, path)).split(sep).join('/'))
  }

  /** Code that stands there twice. Data and markup are left out: their repetitions are not written by people, or mean nothing. */
  async function duplicates(query: CodeQuery, { least, normalized, signal }: DuplicateOptions): Promise<Duplicates> {
    const { createTokenizer, findDuplicates } = await import('../analysis/index.ts')
    const tokenize = createTokenizer({ normalized })
    const files = []
    for await (const { path, bytes, facts, class: name } of sources(query, { signal }))
      if (facts !== null && !(facts.tier === 1 && facts.file.decisions === null))
        files.push({ path, tokens: tokenize(bytes, facts), test: name === 'test' })
    return findDuplicates(files, least)
  }

  /** Handlebars templates, by path. */
  async function templates(query: CodeQuery): Promise<Template[]> {
    const [git, reader, { readTemplate }] = await Promise.all([parts.git(), parts.reader(), import('../parsing/index.ts')])
    const tree = await openTree(git, query)
    const found: Template[] = []
    for (const path of tree.paths.toSorted()) {
      if ((await reader.detect(path, '')) !== 'handlebars') continue
      const bytes = await tree.read(path)
      if (bytes === undefined) continue
      const large = bytes.length > LARGEST_TEMPLATE
      const error = { line: null, message: `longer than ${LARGEST_TEMPLATE / 1024} KB` }
      found.push({ path, ...(large ? { items: [], error } : await readTemplate(new TextDecoder().decode(bytes))) })
    }
    return found
  }

  /** Exports that nobody names: proposals with what speaks against them, over the whole repository. */
  async function unused(query: CodeQuery, signal?: AbortSignal): Promise<UnusedExports> {
    const [git, { createUnusedExports, entriesOf }] = await Promise.all([parts.git(), import('../analysis/index.ts')])
    const [search, all, wanted] = [createUnusedExports(), { paths: [] }, new Set((await openTree(git, query)).paths)]
    const entries: string[] = []
    for await (const file of sources(all, { signal })) {
      search.add(file)
      if (/(?:^|\/)package\.json$/.test(file.path)) entries.push(...entriesOf(file.path, Buffer.from(file.bytes).toString('utf8')))
    }
    const found = await search.finish(sources(all, { bare: true, signal }), entries)
    return { ...found, proposals: found.proposals.filter(({ path }) => wanted.has(path)) }
  }

  return { hotSpots, unused, templates, tags, tagsFile, duplicates }
}
