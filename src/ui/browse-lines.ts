import { oneLine, plural, printable } from '../core/kernel/index.ts'
import type { SearchAnswer, SearchHit } from '../core/search/index.ts'

/** What the list shows of an answer: code, or something that is known. */
export type Row = {
  key: string
  /** `null` where it stands in no file. */
  path: string | null
  line: number | null
  name: string
  score: number
  content: string
}

/** Longer lines are cut before they are laid out. */
const LONGEST = 400

export function rowsOf({ hits, artifacts }: Pick<SearchAnswer, 'hits' | 'artifacts'>): Row[] {
  const code = hits.map(({ path, line, lineEnd, symbol, score, content }: SearchHit): Row => ({
    key: `${path}:${line}:${lineEnd}`,
    path,
    line,
    name: symbol ?? '',
    score,
    content,
  }))
  return [...code, ...artifacts.map(({ id, path, line, name, score, content }): Row => ({ key: id, path, line, name, score, content }))]
}

/** `src/date.ts:12  parseDate  0.93`; on a narrow screen the folders go first. */
export function rowLine({ key, path, line, name, score }: Row, width: number): string {
  const place = path === null ? key : `${path}:${line}`
  const end = ` ${score.toFixed(2)}`
  const room = Math.max(8, width - end.length - 2)
  const short = place.length + name.length + 2 > room ? place.slice(place.lastIndexOf('/') + 1) : place
  return oneLine(`${`${short}  ${name}`.trimEnd().slice(0, room).padEnd(room)}${end}`)
}

export type PreviewLine = { number: number; parts: { text: string; isMatch: boolean }[] }

/** So many lines of a file with the found one in the upper third, and the words of the query marked. */
export function previewLines(first: number, lines: readonly string[], line: number, query: string, rows: number): PreviewLine[] {
  const from = Math.max(0, Math.min(line - first - Math.floor(rows / 3), lines.length - rows))
  const words = wordsOf(query)
  return lines.slice(from, from + rows).map((text, at) => ({
    number: first + from + at,
    parts: marked(printable(text.slice(0, LONGEST)).replaceAll('\t', '  '), words),
  }))
}

function wordsOf(query: string): RegExp | null {
  const words = query.slice(0, 500).match(/[\p{L}\p{N}]{2,}/gu)
  return words === null ? null : new RegExp(`(${words.join('|')})`, 'giu')
}

function marked(text: string, words: RegExp | null): PreviewLine['parts'] {
  if (words === null) return [{ text, isMatch: false }]
  return text
    .split(words)
    .map((part, at) => ({ text: part, isMatch: at % 2 === 1 }))
    .filter((part) => part.text !== '')
}

/** What stands under the query: how much was found, how, and whether it is about the files as they are. */
export function statusLine(query: string, answer: SearchAnswer | null, count: number): string {
  if (query.trim() === '') return 'type what you look for: a name, words, a question'
  if (answer === null) return 'searching ...'
  const { freshness, mode, tookMs, belowFloor } = answer
  const below = count === 0 && belowFloor > 0 ? `, ${plural(belowFloor, 'result')} too far from it` : ''
  const found = count === 0 ? `nothing found${below}` : `${plural(count, 'result')}, ${mode}, ${tookMs} ms`
  const writing = freshness.building ? ', which is being written' : ''
  if (freshness.state === 'none') return `${found} | no index${writing}`
  return freshness.state === 'behind' ? `${found} | the index is behind${writing}` : found
}

/** The keys that work; what is rarer is left out on a narrow screen. */
export function browseKeys(width: number, opens: boolean): string {
  const enter = opens ? 'enter open' : 'enter print'
  if (width >= 70) return `arrows ctrl-n/p move  ${enter}  tab kind  ctrl-u clear  esc quit`
  return width >= 44 ? `arrows move  ${enter}  tab kind  esc quit` : `${enter}  tab kind  esc`
}
