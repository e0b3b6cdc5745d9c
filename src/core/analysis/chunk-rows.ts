/** The lines of a file as bytes, with what a boundary in front of each would cost. */
export type Rows = {
  count: number
  /** First byte of a row; one more entry: the end of the file. */
  starts: Int32Array
  /** Characters that are no white space. */
  sizes: Int32Array
  /** Columns of white space in front; tabs count 4. */
  indents: Int32Array
  /** FNV-1a of the row without the white space around it. */
  keys: Int32Array
  /** The first byte that is no white space; 0 in a blank row. */
  firsts: Uint8Array
}

const NEWLINE = 10
const SPACE = 32
const TAB = 9

export const isSpace = (byte: number): boolean => byte === SPACE || (byte >= TAB && byte <= 13)

/** Bytes 0x80 to 0xbf go on with a character that began before; in a file that is no UTF-8 every byte is a character. */
export const continues = (byte: number): boolean => (byte & 0xc0) === 0x80

/** @param utf8 whether the bytes are valid UTF-8 */
export function readRows(bytes: Uint8Array, utf8: boolean): Rows {
  let count = 1
  for (const byte of bytes) if (byte === NEWLINE) count++
  const starts = new Int32Array(count + 1)
  const [sizes, indents, keys] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)]
  const firsts = new Uint8Array(count)
  let [row, size, indent, key, pending] = [0, 0, 0, 0x811c9dc5, 0]
  for (let at = 0; at <= bytes.length; at++) {
    const byte = at === bytes.length ? NEWLINE : bytes[at]!
    if (byte === NEWLINE) {
      sizes[row] = size
      indents[row] = indent
      keys[row] = key
      row++
      starts[row] = Math.min(at + 1, bytes.length)
      ;[size, indent, key, pending] = [0, 0, 0x811c9dc5, 0]
    } else if (isSpace(byte)) {
      if (size === 0) indent += byte === TAB ? 4 : 1
      pending = 1
    } else {
      if (size === 0) firsts[row] = byte
      else if (pending === 1) key = Math.imul(key ^ SPACE, 0x01000193)
      pending = 0
      key = Math.imul(key ^ byte, 0x01000193)
      if (!utf8 || !continues(byte)) size++
    }
  }
  return { count, starts, sizes, indents, keys, firsts }
}

/** What lies between two boundaries: `level` says how bad a boundary in front of it is, `key` decides among equals. */
export type Unit = { size: number; level: number; key: number }

/**
 * Groups of neighbours, each within the limit where its units allow it. Boundaries are chosen by what stands there, never by counting
 * from the start: an edit moves only those near it. Answers the first unit of each group.
 */
export function groupUnits(units: readonly Unit[], limit: number): number[] {
  const before = new Float64Array(units.length + 1)
  for (const [index, unit] of units.entries()) before[index + 1] = before[index]! + unit.size
  const starts: number[] = []
  const open: [from: number, to: number][] = units.length === 0 ? [] : [[0, units.length]]
  while (open.length > 0) {
    const [from, to] = open.pop()!
    if (to - from === 1 || before[to]! - before[from]! <= limit) {
      starts.push(from)
      continue
    }
    const at = boundary(units, before, from, to, limit / 4)
    open.push([at, to], [from, at]) // the left part is taken first: starts come in order
  }
  return starts
}

function boundary(units: readonly Unit[], before: Float64Array, from: number, to: number, least: number): number {
  const middle = (before[from]! + before[to]!) / 2
  let [best, roomy] = [from + 1, false]
  for (let at = from + 1; at < to; at++) {
    const fits = before[at]! - before[from]! >= least && before[to]! - before[at]! >= least
    if (roomy && !fits) continue
    if (at > from + 1 && fits === roomy && !isBetter(units[at]!, before[at]!, units[best]!, before[best]!, middle)) continue
    best = at
    roomy = fits
  }
  return best
}

function isBetter(unit: Unit, at: number, best: Unit, bestAt: number, middle: number): boolean {
  if (unit.level !== best.level) return unit.level < best.level
  if (unit.key !== best.key) return unit.key < best.key
  return Math.abs(at - middle) < Math.abs(bestAt - middle) // rows that are all the same: halves
}
