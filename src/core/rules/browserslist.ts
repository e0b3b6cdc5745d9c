import { compareVersions, oldest, type RuntimeData } from './platform.ts'

/**
 * The ECMAScript year that all browsers of some browserslist queries understand, and the oldest Node.js named.
 * Reads the common forms of https://github.com/browserslist/browserslist#queries; an unknown one counts as the year of `unknown`.
 */
export function readBrowserslist(queries: readonly string[], data: RuntimeData): { ecma: string | undefined; node: string | undefined } {
  const years: string[] = []
  const nodes: string[] = []
  for (const query of queries
    .flatMap((text) => text.split(/,|\bor\b/))
    .flatMap((text) => text.split(/\band\b/))
    .map((text) => text.trim().toLowerCase())) {
    if (query === '') continue
    const node = /^node\s*(?:>=?\s*)?(\d+(?:\.\d+)*)/.exec(query)?.[1]
    if (node !== undefined) {
      nodes.push(node)
      continue
    }
    // "current" and "maintained" depend on the day: the oldest line maintained when this table was written.
    if (/^(?:current|maintained) node/.test(query)) nodes.push('20.0.0')
    else years.push(yearOf(query, data))
  }
  const real = years.filter((year) => year !== '9999')
  return { ecma: oldest(real), node: oldest(nodes) }
}

function yearOf(query: string, data: RuntimeData): string {
  const { queries, browsers, unknown } = data.browserslist
  const known = queries.find(([pattern]) => new RegExp(pattern).test(query))
  if (known !== undefined) return known[1]
  const version = /^([a-z_]+)\s*(?:>=|>)?\s*(\d+(?:\.\d+)*)/.exec(query)
  const table = version === null ? undefined : browsers[version[1] ?? '']
  if (version === null || table === undefined) return unknown
  return table.filter(([from]) => compareVersions(from, version[2] ?? '0') <= 0).at(-1)?.[1] ?? '2009'
}
