import type { Git } from '../git/index.ts'
import type { SearchHit, SearchService } from '../search/index.ts'

/** Hits that are looked at, and places that are told: some are not in the commit, or not where the change may be. */
const LOOKED_AT = 30
const TOLD = 10

/**
 * Where a search for these words leads in a commit. The search knows the working tree: what does not stand in the commit as it stands
 * here is left out. A search that fails leads nowhere.
 */
export async function findPlaces(
  { git, search }: { git: Git; search: SearchService },
  text: string,
  commit: string,
  paths: readonly string[],
): Promise<string[]> {
  const reader = git.reader(commit)
  const isWanted = (path: string): boolean => paths.length === 0 || paths.some((each) => path === each || path.startsWith(`${each}/`))
  const places: string[] = []
  const hits = await search.search({ text, limit: LOOKED_AT }).then(
    (answer) => answer.hits,
    () => [],
  )
  for (const hit of hits) {
    if (places.length === TOLD) break
    if (isWanted(hit.path) && (await reader.text(hit.path))?.includes(hit.content)) places.push(placeOf(hit))
  }
  return places
}

function placeOf({ path, line, lineEnd, symbol, kind }: SearchHit): string {
  return `${path}:${line}-${lineEnd}${symbol === null ? '' : ` ${kind} ${symbol}`}`
}
