const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES = new Map([...DIGITS].map((digit, index) => [digit, index]))

export type Segment = { column: number; source: number; line: number }

/** The mappings of a source map (ECMA-426, base64 VLQ): per generated line its segments, all numbers 0-based. Bad digits end a line. */
export function decodeMappings(mappings: string): Segment[][] {
  let source = 0
  let line = 0
  return mappings.split(';').map((text) => {
    let column = 0
    const segments: Segment[] = []
    for (const part of text.split(',')) {
      const numbers = decodeNumbers(part)
      if (numbers.length === 0) continue
      column += numbers[0]!
      if (numbers.length < 4) continue
      source += numbers[1]!
      line += numbers[2]!
      segments.push({ column, source, line })
    }
    return segments.sort((a, b) => a.column - b.column)
  })
}

function decodeNumbers(text: string): number[] {
  const numbers: number[] = []
  let value = 0
  let shift = 1
  for (const char of text) {
    const digit = VALUES.get(char)
    if (digit === undefined) return numbers
    value += (digit & 31) * shift
    if (digit & 32) shift *= 32
    else {
      numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2)
      value = 0
      shift = 1
    }
  }
  return numbers
}
