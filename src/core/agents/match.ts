import { ToolFailure } from './failure.ts'

export type MatchLevel = 'exact' | 'whitespace' | 'indentation'

export type Replaced = { text: string; level: MatchLevel }

/** Comparing every window of a file with a long text is not worth more than this many line comparisons. */
const MOST_COMPARED = 4_000_000
const SHOWN_LINES = 12

/**
 * Replaces the only place where `old` stands: exactly, else with other white space inside its lines, else shifted as a whole (then
 * `next` is shifted with it). Never anything less sure: what matches nowhere is refused with the most similar region.
 * @throws ToolFailure NO_MATCH, AMBIGUOUS_MATCH, NOTHING_CHANGED
 */
export function replaceUnique(text: string, old: string, next: string, path: string): Replaced {
  const crlf = text.includes('\r\n') && !/(?:^|[^\r])\n/.test(text)
  const [whole, from, to] = crlf ? [text, old, next].map((each) => each.replaceAll('\r\n', '\n')) : [text, old, next]
  const replaced = replaceLines(whole!, from!, to!, path)
  return crlf ? { ...replaced, text: replaced.text.replaceAll('\n', '\r\n') } : replaced
}

function replaceLines(text: string, old: string, next: string, path: string): Replaced {
  if (old.trim() === '') throw new ToolFailure('NO_MATCH', `${path}: 'old' is empty. A new file is made by write.`)
  if (old === next) throw new ToolFailure('NOTHING_CHANGED', `${path}: 'old' and 'new' are the same.`)
  const places = occurrences(text, old)
  if (places.length > 1)
    throw ambiguous(
      path,
      places.map((at) => lineAt(text, at)),
      'exactly',
    )
  if (places.length === 1) return { text: text.slice(0, places[0]) + next + text.slice(places[0]! + old.length), level: 'exact' }

  const lines = text.split('\n')
  const wanted = trimBlankEnds(old.split('\n'))
  const byWhiteSpace = windows(lines, wanted, (line, other) => looseLine(line) === looseLine(other))
  if (byWhiteSpace.length > 1)
    throw ambiguous(
      path,
      byWhiteSpace.map((at) => at + 1),
      'up to white space',
    )
  if (byWhiteSpace.length === 1)
    return { text: putLines(lines, byWhiteSpace[0]!, wanted.length, trimBlankEnds(next.split('\n'))), level: 'whitespace' }

  const shifted = windows(lines, wanted, (line, other) => looseLine(line).trimStart() === looseLine(other).trimStart()).flatMap((at) => {
    const shift = shiftOf(lines.slice(at, at + wanted.length), wanted)
    return shift === null ? [] : [{ at, shift }]
  })
  if (shifted.length > 1)
    throw ambiguous(
      path,
      shifted.map(({ at }) => at + 1),
      'up to indentation',
    )
  if (shifted.length === 1) {
    const { at, shift } = shifted[0]!
    const moved = trimBlankEnds(next.split('\n')).map((line) => shiftLine(line, shift))
    if (!moved.includes(null)) return { text: putLines(lines, at, wanted.length, moved as string[]), level: 'indentation' }
  }
  throw noMatch(path, lines, wanted)
}

function occurrences(text: string, part: string): number[] {
  const found: number[] = []
  for (let at = text.indexOf(part); at >= 0 && found.length < 20; at = text.indexOf(part, at + 1)) found.push(at)
  return found
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function ambiguous(path: string, lines: readonly number[], how: string): ToolFailure {
  return new ToolFailure(
    'AMBIGUOUS_MATCH',
    `${path}: 'old' stands ${how} at ${lines.length} places (lines ${lines.slice(0, 8).join(', ')}). Take more lines around it.`,
  )
}

/** Same indentation, one blank where there are several, none at the end. */
function looseLine(line: string): string {
  const indent = /^\s*/.exec(line)![0]
  return line.trim() === '' ? '' : indent + line.slice(indent.length).trimEnd().replace(/\s+/g, ' ')
}

function trimBlankEnds(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== '')
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => line.trim() !== '') + 1)
}

function windows(lines: readonly string[], wanted: readonly string[], equal: (a: string, b: string) => boolean): number[] {
  const found: number[] = []
  for (let at = 0; at + wanted.length <= lines.length; at++)
    if (wanted.every((line, index) => equal(lines[at + index]!, line))) found.push(at)
  return found
}

type Shift = { by: 'add' | 'remove'; prefix: string }

/** The one prefix that all lines have more, or less, than the wanted ones. */
function shiftOf(lines: readonly string[], wanted: readonly string[]): Shift | null {
  let shift: Shift | null = null
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const [real, asked] = [/^\s*/.exec(line)![0], /^\s*/.exec(wanted[index]!)![0]]
    const next: Shift | null = real.endsWith(asked)
      ? { by: 'add', prefix: real.slice(0, real.length - asked.length) }
      : asked.endsWith(real)
        ? { by: 'remove', prefix: asked.slice(0, asked.length - real.length) }
        : null
    if (next === null || (shift && (shift.by !== next.by || shift.prefix !== next.prefix))) return null
    shift = next
  }
  return shift
}

function shiftLine(line: string, { by, prefix }: Shift): string | null {
  if (line.trim() === '') return line
  if (by === 'add') return prefix + line
  return line.startsWith(prefix) ? line.slice(prefix.length) : null
}

function putLines(lines: readonly string[], at: number, count: number, next: readonly string[]): string {
  return [...lines.slice(0, at), ...next, ...lines.slice(at + count)].join('\n')
}

function noMatch(path: string, lines: readonly string[], wanted: readonly string[]): ToolFailure {
  const nearest = nearestRegion(lines, wanted)
  const where =
    nearest === null || nearest.similarity < 0.3
      ? 'Nothing similar was found. Read the file again.'
      : `The nearest region is lines ${nearest.at + 1}-${nearest.at + wanted.length}, similarity ${nearest.similarity.toFixed(2)}:\n` +
        lines.slice(nearest.at, nearest.at + Math.min(wanted.length, SHOWN_LINES)).join('\n')
  return new ToolFailure('NO_MATCH', `${path}: 'old' stands nowhere in the file. ${where}`)
}

/** The window of as many lines that shares most words with the wanted text, 0 to 1. */
export function nearestRegion(lines: readonly string[], wanted: readonly string[]): { at: number; similarity: number } | null {
  if (wanted.length === 0 || lines.length * wanted.length > MOST_COMPARED) return null
  const words = (line: string): string[] => line.match(/\w+|[^\s\w]/g) ?? []
  const [have, want] = [lines.map(words), wanted.map(words)]
  let best: { at: number; similarity: number } | null = null
  for (let at = 0; at < Math.max(1, lines.length - wanted.length + 1); at++) {
    const total = want.reduce((sum, line, index) => sum + dice(have[at + index] ?? [], line), 0)
    const similarity = total / wanted.length
    if (!best || similarity > best.similarity) best = { at, similarity }
  }
  return best
}

/** Sørensen-Dice over words with their counts. */
function dice(a: readonly string[], b: readonly string[]): number {
  if (a.length + b.length === 0) return 1
  const counts = new Map<string, number>()
  for (const word of a) counts.set(word, (counts.get(word) ?? 0) + 1)
  let shared = 0
  for (const word of b) {
    const left = counts.get(word) ?? 0
    if (left > 0) shared++
    counts.set(word, left - 1)
  }
  return (2 * shared) / (a.length + b.length)
}
