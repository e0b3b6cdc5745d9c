import { isUtf8 } from 'node:buffer'
import { sha256 } from '../kernel/index.ts'
import type { FileFacts } from '../parsing/index.ts'
import { type Item, namedItems } from './chunk-items.ts'
import { type Rows, type Unit, continues, groupUnits, isSpace, readRows } from './chunk-rows.ts'

/**
 * A piece of a file that means something by itself. The chunks of a file are disjoint, stand in order, and hold every byte that is no
 * white space (cAST, arXiv 2506.15655, with boundaries that depend on what stands there instead of on a count).
 */
export type Chunk = {
  /** 1-based, inclusive. */
  lineStart: number
  lineEnd: number
  /** Bytes of the file. */
  start: number
  end: number
  /** `Class.method`; `null` where no single definition can be named. */
  symbol: string | null
  name: string | null
  /** As facts say (function, method, class …); `block` for code between definitions, `lines` where nothing is known of the language. */
  kind: string
  /** Every definition that begins here. */
  names: readonly string[]
  /** Of language, symbol and bytes: a piece that moved to another file or line is still the same. 128 bits of SHA-256 as hex. */
  hash: string
}

export type ChunkOptions = {
  /** Language of the file, part of the hash. */
  language: string
  /** Characters that are no white space; 1500. */
  limit?: number
}

export const CHUNK_LIMIT = 1500
/** Pieces of at most limit / SMALL are joined with neighbours that are as small. */
const SMALL = 8

type Piece = { row: number; rowEnd: number; size: number; owner: Item | null; item: Item | null; names: string[] }

/**
 * Cuts a file at the boundaries of its definitions. Whole where it is within the limit, between statements else; small neighbours are
 * joined; comments stay with what follows them. No chunk is over the limit unless it is a single token.
 * @param facts `null` where nothing is known but the bytes
 */
export function chunkFile(bytes: Uint8Array, facts: FileFacts | null, options: ChunkOptions): Chunk[] {
  const limit = options.limit ?? CHUNK_LIMIT
  const utf8 = isUtf8(bytes)
  const rows = readRows(bytes, utf8)
  const pieces = joinSmall(createCutter(rows, facts, bytes, limit).cut(), limit, rows)
  const known = facts !== null && facts.tier < 3
  return pieces.flatMap((piece) => finish(piece, { bytes, rows, limit, utf8, language: options.language, known }))
}

/** What names a chunk for people and models: no path, so that it stays the same when a file moves. */
export function chunkHeader(chunk: Pick<Chunk, 'symbol' | 'names'>, language: string): string {
  const symbol = chunk.symbol ?? chunk.names.join(' ')
  return symbol === '' ? language : `${language} › ${symbol.replaceAll('.', ' › ')}`
}

function createCutter(rows: Rows, facts: FileFacts | null, bytes: Uint8Array, limit: number) {
  const before = new Float64Array(rows.count + 1)
  for (let row = 0; row < rows.count; row++) before[row + 1] = before[row]! + rows.sizes[row]!
  const sizeOf = (row: number, rowEnd: number): number => before[rowEnd + 1]! - before[row]!
  const inside = rowsInside(facts, rows)
  const commented = commentRows(facts, rows, bytes)
  const pieces: Piece[] = []

  /** Comments and decorators right above belong to what follows. */
  function lead(row: number, floor: number): number {
    let first = row
    while (first > floor && (commented[first - 1] === 1 || isDecorator(first - 1))) first--
    return first
  }
  function isDecorator(row: number): boolean {
    const first = rows.firsts[row]
    return first === 0x40 /* @ */ || (first === 0x23 /* #[ */ && bytes[rows.starts[row]! + rows.indents[row]! + 1] === 0x5b)
  }

  function add(from: number, to: number, owner: Item | null, item: Item | null): void {
    let [row, rowEnd] = [from, to]
    while (row <= rowEnd && rows.sizes[row] === 0) row++
    while (rowEnd >= row && rows.sizes[rowEnd] === 0) rowEnd--
    if (row > rowEnd) return
    const size = sizeOf(row, rowEnd)
    const names = item && from <= item.row && item.row <= to ? namesIn(item) : []
    if (size <= limit) pieces.push({ row, rowEnd, size, owner, item, names })
    else {
      const units: Unit[] = []
      for (let at = row; at <= rowEnd; at++) units.push({ size: rows.sizes[at]!, level: levelOf(at), key: rows.keys[at]! })
      const starts = groupUnits(units, limit)
      for (const [index, start] of starts.entries()) {
        const end = (starts[index + 1] ?? units.length) - 1
        trimmed(row + start, row + end, owner, item, index === 0 ? names.slice(0, 1) : [])
      }
    }
  }
  function trimmed(from: number, to: number, owner: Item | null, item: Item | null, names: string[]): void {
    let [row, rowEnd] = [from, to]
    while (row <= rowEnd && rows.sizes[row] === 0) row++
    while (rowEnd >= row && rows.sizes[rowEnd] === 0) rowEnd--
    if (row <= rowEnd) pieces.push({ row, rowEnd, size: sizeOf(row, rowEnd), owner, item, names })
  }
  /** How bad it is to begin at this row: inside of a text, before a closing bracket, deep. */
  function levelOf(row: number): number {
    if (inside[row] === 1) return 10_000
    const first = rows.firsts[row]!
    if (first === 0) return 5000
    const closing = first === 0x7d || first === 0x29 || first === 0x5d || first === 0x2e ? 40 : 0
    return (
      rows.indents[row]! * 2 + closing - (row > 0 && rows.sizes[row - 1] === 0 ? 3 : 0) + (row > 0 && commented[row - 1] === 1 ? 40 : 0)
    )
  }

  function cutInside(from: number, to: number, children: readonly Item[], owner: Item | null): void {
    let at = from
    for (const child of children) {
      const start = lead(child.row, at)
      if (start > at) add(at, start - 1, owner, owner)
      const whole = sizeOf(start, child.rowEnd) <= limit || child.children.length === 0
      if (whole) add(start, child.rowEnd, owner, child)
      else cutInside(start, child.rowEnd, child.children, child)
      at = child.rowEnd + 1
    }
    if (at <= to) add(at, to, owner, owner)
  }

  return {
    cut(): Piece[] {
      cutInside(0, rows.count - 1, facts === null ? [] : namedItems(facts), null)
      return pieces
    },
  }
}

/** Names of an item and of what it holds, outermost first. */
function namesIn(item: Item): string[] {
  return [item.name, ...item.children.flatMap(namesIn)]
}

/** Rows that go on with a comment or string of an earlier row. */
function rowsInside(facts: FileFacts | null, rows: Rows): Uint8Array {
  const inside = new Uint8Array(rows.count)
  for (const { row, rowEnd } of facts === null ? [] : [...facts.comments, ...facts.strings])
    for (let at = row + 1; at <= rowEnd && at < rows.count; at++) inside[at] = 1
  return inside
}

/** Rows with nothing but a comment. */
function commentRows(facts: FileFacts | null, rows: Rows, bytes: Uint8Array): Uint8Array {
  const marked = new Uint8Array(rows.count)
  for (const { start, row, rowEnd } of facts?.comments ?? []) {
    let at = rows.starts[row]!
    while (at < start && isSpace(bytes[at]!)) at++
    if (at === start) for (let each = row; each <= rowEnd && each < rows.count; each++) marked[each] = 1
  }
  return marked
}

/** Neighbours of at most an eighth of the limit, inside the same part, become one. */
function joinSmall(pieces: readonly Piece[], limit: number, rows: Rows): Piece[] {
  const joined: Piece[] = []
  for (let at = 0; at < pieces.length;) {
    const first = pieces[at]!
    let end = at + 1
    if (first.size <= limit / SMALL)
      while (end < pieces.length && pieces[end]!.size <= limit / SMALL && pieces[end]!.owner === first.owner) end++
    const run = pieces.slice(at, end)
    const starts = groupUnits(
      run.map(({ row, size }) => ({ size, level: 0, key: rows.keys[row]! })),
      limit,
    )
    for (const [index, start] of starts.entries()) joined.push(join(run.slice(start, starts[index + 1] ?? run.length)))
    at = end
  }
  return joined
}

function join(run: readonly Piece[]): Piece {
  const [first, last] = [run[0]!, run.at(-1)!]
  if (run.length === 1) return first
  const own = [...new Set(run.flatMap(({ item, owner }) => (item !== null && item !== owner ? [item] : [])))]
  const item = own.length === 1 ? own[0]! : first.owner
  const size = run.reduce((sum, each) => sum + each.size, 0)
  return { row: first.row, rowEnd: last.rowEnd, size, owner: first.owner, item, names: run.flatMap(({ names }) => names) }
}

type Place = { bytes: Uint8Array; rows: Rows; limit: number; utf8: boolean; language: string; known: boolean }

function finish(piece: Piece, place: Place): Chunk[] {
  const { bytes, rows, limit, language, known } = place
  const { row, rowEnd, item, owner, names } = piece
  const kind = !known ? 'lines' : item === null || (item === owner && names.length === 0) ? 'block' : item.kind
  const make = (start: number, end: number): Chunk => ({
    lineStart: row + 1,
    lineEnd: rowEnd + 1,
    start,
    end,
    symbol: item?.path ?? null,
    name: item?.name ?? null,
    kind,
    names,
    hash: sha256(Buffer.concat([Buffer.from(`${language}\0${item?.path ?? ''}\0`), bytes.subarray(start, end)])).slice(0, 32),
  })
  const start = rows.starts[row]!
  let end = rows.starts[rowEnd + 1]!
  while (end > start && isSpace(bytes[end - 1]!)) end--
  return piece.size <= limit ? [make(start, end)] : tokenRuns(start, end, place).map(([from, to]) => make(from, to))
}

const isWord = (byte: number): boolean =>
  byte >= 0x80 || byte === 0x5f || byte === 0x24 || (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a)

/** A row that is too long, cut between tokens: words, and single characters of anything else. */
function tokenRuns(start: number, end: number, { bytes, limit, utf8 }: Place): [number, number][] {
  const runs: [number, number][] = []
  let [from, size] = [start, 0]
  for (let at = start; at < end;) {
    let next = at + 1
    let length = isSpace(bytes[at]!) ? 0 : 1
    if (isWord(bytes[at]!)) for (; next < end && isWord(bytes[next]!); next++) if (!utf8 || !continues(bytes[next]!)) length++
    if (size > 0 && size + length > limit) {
      runs.push([from, at])
      ;[from, size] = [at, 0]
    }
    size += length
    at = next
  }
  if (size > 0) runs.push([from, end])
  return runs
}
