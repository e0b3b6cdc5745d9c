import { sha256 } from '../kernel/index.ts'
import type { CodeTokens } from './code-tokens.ts'

export type DuplicatePlace = {
  path: string
  /** From 1, inclusive. */
  lineStart: number
  lineEnd: number
}

export type DuplicateGroup = {
  /** Tokens of each place. */
  tokens: number
  /** Lines of the longest place. */
  lines: number
  /** Two or more, by path and line; they do not overlap. */
  places: DuplicatePlace[]
  /** All of them lie in tests and what belongs to tests. */
  test: boolean
}

export type Duplicates = {
  files: number
  tokens: number
  /** Tokens that stand in some group. */
  duplicated: number
  /** What would go if one place of each were kept: the largest first, those in tests behind all others. */
  groups: DuplicateGroup[]
}

export const LEAST_TOKENS = 50

/**
 * Runs of at least `least` equal tokens. Every window of that many tokens has a rolling fingerprint (Karp, Rabin, "Efficient randomized
 * pattern-matching algorithms", 1987) and is compared, token by token, with the last window before it that has the same one; what is
 * equal is drawn out as far as both places agree. Work and memory grow with the number of tokens.
 */
export function findDuplicates(files: readonly Tokenized[], least: number): Duplicates {
  const all = join(files.map(({ tokens }) => tokens))
  const pairs = findPairs(all, least)
  const groups = groupPairs(all, pairs)
  const covered = new Uint8Array(all.ids.length)
  for (const { length, starts } of groups) for (const start of starts) covered.fill(1, start, start + length)
  return {
    files: files.length,
    tokens: all.ids.length,
    duplicated: covered.reduce((sum, one) => sum + one, 0),
    groups: groups
      .map(({ length, starts }) => present(files, all, length, starts))
      .sort((a, b) => Number(a.test) - Number(b.test) || weight(b) - weight(a) || compare(a.places[0]!, b.places[0]!)),
  }
}

type Tokenized = { path: string; tokens: CodeTokens; test: boolean }

const weight = ({ tokens, places }: DuplicateGroup): number => tokens * (places.length - 1)

const compare = (a: DuplicatePlace, b: DuplicatePlace): number => (a.path === b.path ? a.lineStart - b.lineStart : a.path < b.path ? -1 : 1)

type Joined = {
  ids: Int32Array
  /** First token of each file, and the end of the last. */
  bounds: number[]
  rows: Int32Array
  rowEnds: Int32Array
}

function join(files: readonly CodeTokens[]): Joined {
  const bounds = [0]
  for (const { ids } of files) bounds.push(bounds.at(-1)! + ids.length)
  const parts = { ids: new Int32Array(bounds.at(-1)!), rows: new Int32Array(bounds.at(-1)!), rowEnds: new Int32Array(bounds.at(-1)!) }
  for (const [index, file] of files.entries())
    for (const name of ['ids', 'rows', 'rowEnds'] as const) parts[name].set(file[name], bounds[index])
  return { ...parts, bounds }
}

/** Which file a token is of. */
function fileAt(bounds: readonly number[], at: number): number {
  let [low, high] = [0, bounds.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (bounds[middle]! <= at) low = middle
    else high = middle
  }
  return low
}

type Pair = { a: number; b: number; length: number }

function findPairs({ ids, bounds }: Joined, least: number): Pair[] {
  const pairs: Pair[] = []
  const windows = createWindows(ids, least)
  /** Distance between two places -> how far it has been looked at. */
  const seen = new Map<number, number>()
  for (let file = 0; file + 1 < bounds.length; file++) {
    const [first, end] = [bounds[file]!, bounds[file + 1]!]
    for (const { at, before } of windows.read(first, end)) {
      const distance = at - before
      if ((seen.get(distance) ?? 0) >= at + least) continue
      const other = before >= first ? file : fileAt(bounds, before)
      const [otherFirst, otherEnd] = [bounds[other]!, bounds[other + 1]!]
      let [from, to] = [at, at + least]
      while (from > first && from - distance > otherFirst && ids[from - 1] === ids[from - 1 - distance]) from--
      while (to < end && to - distance < otherEnd && ids[to] === ids[to - distance]) to++
      seen.set(distance, to)
      if (to - from <= distance) {
        pairs.push({ a: from - distance, b: from, length: to - from })
        continue
      }
      // a run that goes on into itself is a table: blocks of it stand side by side
      const length = Math.ceil(least / distance) * distance
      for (let b = from - distance + length; b + length <= to; b += length) pairs.push({ a: b - length, b, length })
    }
  }
  return pairs
}

const MULTIPLIER = 0x01000193

/** Windows of tokens, each with the last one before it that is equal. The table holds places only: 16 bytes per token. */
function createWindows(ids: Int32Array, least: number) {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(2, ids.length * 2)))
  const [places, prints] = [new Int32Array(slots).fill(-1), new Int32Array(slots)]
  let power = 1
  for (let i = 1; i < least; i++) power = Math.imul(power, MULTIPLIER)
  const isSame = (a: number, b: number): boolean => {
    for (let i = 0; i < least; i++) if (ids[a + i] !== ids[b + i]) return false
    return true
  }
  /** Puts `at` in the place of the equal window before it, and answers that; -1: there is none. */
  const replace = (at: number, print: number): number => {
    let slot = print & (slots - 1)
    while (places[slot] !== -1) {
      const before = places[slot]!
      if (prints[slot] === print && isSame(before, at)) {
        places[slot] = at
        return before
      }
      slot = (slot + 1) & (slots - 1)
    }
    places[slot] = at
    prints[slot] = print
    return -1
  }
  return {
    *read(first: number, end: number): Generator<{ at: number; before: number }> {
      let sum = 0
      for (let last = first; last < end; last++) {
        if (last - least >= first) sum = (sum - Math.imul(spread(ids[last - least]!), power)) | 0
        sum = (Math.imul(sum, MULTIPLIER) + spread(ids[last]!)) | 0
        const at = last - least + 1
        const before = at < first ? -1 : replace(at, spread(sum))
        if (before !== -1) yield { at, before }
      }
    },
  }
}

/** Spreads the bits of a number (the last steps of MurmurHash3). */
function spread(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x7feb352d)
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b)
  return bits ^ (bits >>> 16)
}

type Group = { length: number; starts: number[] }

/** Pairs that hold the same tokens are one group; a group that only repeats a part of a longer one goes. */
function groupPairs({ ids, bounds }: Joined, pairs: readonly Pair[]): Group[] {
  const byText = new Map<string, { length: number; starts: Set<number> }>()
  for (const { a, b, length } of pairs) {
    const key = sha256(Buffer.from(ids.buffer, b * 4, length * 4))
    const known = byText.get(key)
    if (known === undefined) byText.set(key, { length, starts: new Set([a, b]) })
    else known.starts.add(a).add(b)
  }
  const groups = [...byText.values()]
    .map(({ length, starts }) => ({
      length,
      starts: apart(
        [...starts].sort((a, b) => a - b),
        length,
      ),
    }))
    .filter(({ starts }) => starts.length > 1)
    .sort((a, b) => b.length - a.length || a.starts[0]! - b.starts[0]!)
  const kept: Group[] = []
  /** Per file: places of the groups that are kept. */
  const places = new Map<number, { from: number; to: number; group: Group }[]>()
  const holders = (start: number, length: number): Set<Group> =>
    new Set(
      (places.get(fileAt(bounds, start)) ?? []).filter(({ from, to }) => from <= start && start + length <= to).map(({ group }) => group),
    )
  for (const group of groups) {
    const [first, ...others] = group.starts.map((start) => holders(start, group.length))
    if ([...first!].some((holder) => others.every((each) => each.has(holder)))) continue
    kept.push(group)
    for (const start of group.starts) {
      const file = fileAt(bounds, start)
      const own = places.get(file) ?? []
      own.push({ from: start, to: start + group.length, group })
      places.set(file, own)
    }
  }
  return kept
}

function apart(starts: readonly number[], length: number): number[] {
  const kept: number[] = []
  for (const start of starts) if (kept.length === 0 || start >= kept.at(-1)! + length) kept.push(start)
  return kept
}

function present(
  files: readonly Tokenized[],
  { bounds, rows, rowEnds }: Joined,
  length: number,
  starts: readonly number[],
): DuplicateGroup {
  const places = starts
    .map((start) => ({
      path: files[fileAt(bounds, start)]!.path,
      lineStart: rows[start]! + 1,
      lineEnd: rowEnds[start + length - 1]! + 1,
    }))
    .sort(compare)
  return {
    tokens: length,
    lines: Math.max(...places.map(({ lineStart, lineEnd }) => lineEnd - lineStart + 1)),
    places,
    test: starts.every((start) => files[fileAt(bounds, start)]!.test),
  }
}
