/** Rows of a file, and what stands on them. native/src/lines.h is its twin. */
export type LineTable = {
  /** Byte at which each row starts, and the length of the file behind the last one. */
  starts: Uint32Array
  /** Rows, as wc counts lines plus an unfinished last one. */
  physical: number
  /** Bits per row: TEXT, CODE, COMMENT. */
  marks: Uint8Array
}

const TEXT = 1
export const CODE = 2
export const COMMENT = 4

export function createLineTable(bytes: Uint8Array): LineTable {
  let rows = 1
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) rows += 1
  const starts = new Uint32Array(rows + 1)
  let row = 1
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) starts[row++] = at + 1
  starts[rows] = bytes.length
  const marks = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) if (hasText(bytes, starts[i]!, starts[i + 1]!)) marks[i] = TEXT
  return { starts, physical: starts[rows - 1] === bytes.length ? rows - 1 : rows, marks }
}

/** White space is ASCII white space, and the byte order mark where a file begins. */
function hasText(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start
  if (i === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) i = 3
  for (; i < end; i++) {
    const byte = bytes[i]!
    if (byte !== 32 && (byte < 9 || byte > 13)) return true
  }
  return false
}

/** The row of a byte; one before the end of the file at most. */
export function rowOf({ starts }: LineTable, offset: number): number {
  let low = 0
  let high = starts.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return low
}

export type LineSums = { source: Uint32Array; comment: Uint32Array; blank: Uint32Array }

/** How many rows of each sort come before a row. A row of text that is neither code nor comment counts as code. */
export function sumLines({ marks, physical }: LineTable): LineSums {
  const source = new Uint32Array(physical + 1)
  const comment = new Uint32Array(physical + 1)
  const blank = new Uint32Array(physical + 1)
  for (let row = 0; row < physical; row++) {
    const mark = marks[row]!
    const isBlank = (mark & TEXT) === 0
    const isComment = !isBlank && (mark & COMMENT) !== 0 && (mark & CODE) === 0
    source[row + 1] = source[row]! + (isBlank || isComment ? 0 : 1)
    comment[row + 1] = comment[row]! + (isComment ? 1 : 0)
    blank[row + 1] = blank[row]! + (isBlank ? 1 : 0)
  }
  return { source, comment, blank }
}
