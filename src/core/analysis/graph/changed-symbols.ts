import type { FileFacts, Span } from '../../parsing/index.ts'
import { definitionsOf, sortedDefinitions } from '../symbols.ts'

export type ChangedSymbol = {
  /** `Class.method`; `(module)` for code outside of all definitions. */
  symbol: string
  /** The last word of it: what callers write; null where nobody can call it. */
  name: string | null
  kind: string
  change: 'added' | 'changed' | 'removed'
  /** In the version after the change, in that before it where it is removed; 1-based, inclusive. */
  line: number
  lineEnd: number
  /** Its lines before the change; null where it is added. */
  before: { line: number; lineEnd: number } | null
}

export type FileVersion = { bytes: Uint8Array; facts: FileFacts }

type Part = Pick<ChangedSymbol, 'symbol' | 'name' | 'kind' | 'line' | 'lineEnd'> & { text: string }

const MODULE = '(module)'
/** Words that stand before a definition and belong to it. */
const LEFT_OVER =
  /^(?:export|default|const|let|var|async|declare|static|public|private|protected|final|local|pub|readonly|abstract|[\s{}()[\];,=])*$/

/**
 * Which definitions differ between two versions of a file: the innermost ones, by their own code. Comments and white space do not
 * count; what is moved is not changed; names inside functions belong to the function.
 */
export function changedSymbols(before: FileVersion | null, after: FileVersion | null): ChangedSymbol[] {
  const [old, now] = [before ? partsOf(before) : new Map<string, Part>(), after ? partsOf(after) : new Map<string, Part>()]
  const place = ({ line, lineEnd }: Part) => ({ line, lineEnd })
  const found: ChangedSymbol[] = []
  for (const [key, { text, ...part }] of now) {
    const known = old.get(key)
    if (known?.text === text || (known === undefined && part.symbol === MODULE && text === '')) continue
    found.push({ ...part, change: known ? 'changed' : 'added', before: known ? place(known) : null })
  }
  for (const [key, { text, ...part }] of old)
    if (!now.has(key) && (part.symbol !== MODULE || text !== ''))
      found.push({ ...part, change: 'removed', before: place({ ...part, text }) })
  return found.toSorted((a, b) => a.line - b.line || (a.symbol < b.symbol ? -1 : 1))
}

/** Every definition with its own code: what is left of it without those inside of it. */
function partsOf({ bytes, facts }: FileVersion): Map<string, Part> {
  const places = definitionsOf(bytes, facts)
  const definitions = sortedDefinitions(facts)
    .map((fact, index) => ({ fact, place: places[index]! }))
    .filter(({ fact }) => fact.function === null && fact.kind !== 'package')
    .toSorted((a, b) => a.fact.start - b.fact.start || b.fact.end - a.fact.end)
  const parts = new Map<string, Part>()
  const seen = new Map<string, number>()
  const spans = definitions.map(({ fact }) => fact)
  for (const [index, { fact, place }] of definitions.entries()) {
    const symbol = place.container === null ? place.name : `${place.container}.${place.name}`
    const times = (seen.get(`${place.kind} ${symbol}`) ?? 0) + 1
    seen.set(`${place.kind} ${symbol}`, times)
    parts.set(`${place.kind} ${symbol} ${times}`, {
      symbol,
      name: place.name,
      kind: place.kind,
      line: place.line,
      lineEnd: place.lineEnd,
      text: codeOf(bytes, facts, fact, insideOf(spans, index)),
    })
  }
  const outer: Span[] = []
  for (const fact of spans) if (fact.start >= (outer.at(-1)?.end ?? 0)) outer.push(fact)
  const whole = codeOf(bytes, facts, { start: 0, end: bytes.length }, outer)
  const text = whole
    .split('\n')
    .filter((line) => !LEFT_OVER.test(line))
    .join('\n')
  parts.set(MODULE, { symbol: MODULE, name: null, kind: 'module', line: 1, lineEnd: 1, text })
  return parts
}

/** The outermost spans inside of one; spans are in order, outer ones first. */
function insideOf(spans: readonly Span[], index: number): Span[] {
  const own = spans[index]!
  const inside: Span[] = []
  for (let at = index + 1; at < spans.length && spans[at]!.start < own.end; at++) {
    const each = spans[at]!
    if (each.end <= own.end && each.start >= (inside.at(-1)?.end ?? own.start) && each.end - each.start < own.end - own.start)
      inside.push(each)
  }
  return inside
}

/** The bytes of a span without comments and holes; white space is one blank, or one line end. */
function codeOf(bytes: Uint8Array, { comments }: FileFacts, { start, end }: Pick<Span, 'start' | 'end'>, holes: readonly Span[]): string {
  const code = Buffer.from(bytes.subarray(start, end))
  for (const each of [...holes, ...comments]) {
    if (each.end <= start || each.start >= end) continue
    code.fill(32, Math.max(0, each.start - start), Math.min(end, each.end) - start)
  }
  return code
    .toString('utf8')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n\s*/g, '\n')
    .trim()
}
