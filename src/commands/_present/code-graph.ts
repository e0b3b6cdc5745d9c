import type { Impact, ImpactedSymbol } from '../../core/app/code-impact.ts'
import type { GraphReport } from '../../core/analysis/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

/** More rows of one kind are counted. */
const SHOWN = 15
const NAMES = 4

/** Text as a quoted name of graphviz. */
const quoted = (text: string): string => `"${oneLine(text).replace(/[\\"]/g, '\\$&')}"`

const STYLES: Readonly<Record<string, string>> = { type: 'dashed', mock: 'dotted', data: 'dotted', package: 'dotted', module: 'dashed' }

/** The graph of what is in the tree, for graphviz; what leads out of it or nowhere is left to the other formats. */
export function dotOf({ nodes, edges }: GraphReport): string {
  const lines = nodes.map(
    ({ path, kind }) => `  ${quoted(path)}${kind === 'file' ? '' : ` [shape=${kind === 'package' ? 'folder' : 'note'}]`};`,
  )
  for (const { from, to, kind, resolved } of edges)
    if (resolved) lines.push(`  ${quoted(from)} -> ${quoted(to)}${STYLES[kind] === undefined ? '' : ` [style=${STYLES[kind]}]`};`)
  return `digraph modules {\n  rankdir=LR;\n  node [shape=box];\n${lines.join('\n')}\n}\n`
}

/** Sizes, what is imported most, cycles, and where ways end. */
export function presentGraph({ nodes, edges, cycles, unresolved }: GraphReport): string {
  if (nodes.length === 0) return 'No file here is of a language with imports that is known.'
  const inside = edges.filter(({ resolved }) => resolved)
  const users = new Map<string, Set<string>>()
  for (const { from, to } of inside) users.set(to, (users.get(to) ?? new Set()).add(from))
  const most = [...users]
    .map(([path, own]) => ({ path, count: own.size }))
    .toSorted((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1))
    .slice(0, 8)
  const names = (all: readonly string[]): string =>
    all.slice(0, NAMES).map(oneLine).join(', ') + (all.length > NAMES ? ` and ${all.length - NAMES} more` : '')
  const blocks = [
    section(
      'led to by most',
      most.map(({ path, count }) => [String(count), oneLine(path)]),
    ),
    section(
      plural(cycles.length, 'cycle'),
      cycles.slice(0, SHOWN).map((cycle) => [String(cycle.length), names(cycle)]),
      cycles.length,
    ),
    section(
      `${plural(unresolved.length, 'way')} not followed`,
      unresolved.slice(0, SHOWN).map(({ path, line, reason }) => [`${oneLine(path)}${line === null ? '' : `:${line}`}`, oneLine(reason)]),
      unresolved.length,
    ),
  ]
  const total = `${plural(nodes.length, 'node')}, ${plural(inside.length, 'edge')}, ${plural(edges.length - inside.length, 'name')} that lead out of the tree or nowhere`
  return [...blocks.filter((block) => block !== ''), total].join('\n\n')
}

function section(head: string, rows: readonly (readonly string[])[], of = rows.length): string {
  if (rows.length === 0) return ''
  const more = of > rows.length ? `\n  ${of - rows.length} more: --json` : ''
  return `${paint('bold', head)}\n${table(rows, { grow: 1, paint: (_row, column, text) => (column === 0 ? paint('cyan', text) : text) })}${more}`
}

export function impactData({ base, symbols, tests, complete, unknown }: Impact): Record<string, unknown> {
  return {
    base,
    symbols: symbols.map(({ line, lineEnd, ...each }) => ({ ...each, line_start: line, line_end: lineEnd })),
    tests,
    complete,
    unknown,
  }
}

const WORDS: Readonly<Record<string, string>> = {
  coverage: 'no test runs it',
  fault: 'a fault in it stayed unnoticed',
  graph: 'no test leads to it',
}

/** Changed symbols, the unexercised first, with who calls them; then the tests to run. */
export function presentImpact({ symbols, tests, complete, unknown }: Impact): string {
  if (symbols.length === 0 && tests.length === 0 && unknown.length === 0) return 'Nothing differs.'
  const say = ({ exercised, by }: ImpactedSymbol): string => {
    if (exercised === null) return paint('yellow', 'not known')
    if (!exercised) return paint('red', WORDS[by ?? 'graph']!)
    return by === 'coverage' ? paint('green', 'tests run it') : 'a test leads to it'
  }
  const head = symbols.slice(0, 60).map((each) => {
    const { path, line, symbol, kind, change, callers } = each
    const rows = callers
      .slice(0, NAMES)
      .map((caller) => [
        `${oneLine(caller.path)}:${caller.line}`,
        oneLine(caller.symbol ?? ''),
        caller.confidence === 'name' ? 'by name' : '',
      ])
    const more = callers.length > NAMES ? `\n    ${callers.length - NAMES} more callers: --json` : ''
    const title = `${paint('bold', oneLine(symbol))}  ${kind}, ${change}  ${paint('cyan', `${oneLine(path)}:${line}`)}  ${say(each)}`
    return rows.length === 0 ? title : `${title}\n${table(rows, { grow: 1, indent: 4 })}${more}`
  })
  if (symbols.length > 60) head.push(`${symbols.length - 60} more symbols: --json`)
  const known = tests.filter(({ distance }) => distance !== null)
  const rows = known
    .slice(0, SHOWN)
    .map(({ path, distance, via }) => [oneLine(path === '' ? '.' : path), plural(distance!, 'step'), oneLine(via.slice(1, -1).join(' > '))])
  const list =
    known.length === 0
      ? 'No test leads to the change.'
      : `${paint('bold', `${plural(known.length, 'test file')} ${known.length === 1 ? 'leads' : 'lead'} to the change`)}\n${table(rows, { grow: 2 })}${known.length > SHOWN ? `\n  ${known.length - SHOWN} more: --json` : ''}`
  const doubt = complete
    ? 'These are all: every way was followed.'
    : `There may be more: ${plural(unknown.length, 'way')} not followed, the first ${oneLine(unknown[0]!.path)} (${oneLine(unknown[0]!.reason)}).`
  return [...head, list, doubt].join('\n\n')
}
