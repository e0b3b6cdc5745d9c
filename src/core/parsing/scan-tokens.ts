import type { ScannerWords } from './language-table.ts'

export type Tokens = {
  /** The text with comments and strings blanked out, letter by letter; line breaks stay. */
  code: string
  /** Start and end in the text. */
  comments: [number, number][]
  strings: [number, number][]
}

type Opening = { open: string; close: string; escape: string | undefined; nests: boolean; comment: boolean; line: boolean }

/** Tells comments and strings from code by a table's words. What is not closed goes on to the end of the text. */
export function scanTokens(text: string, words: ScannerWords): Tokens {
  const openings: Opening[] = [
    ...(words.line_comments ?? []).map((open) => ({ open, close: '\n', escape: undefined, nests: false, comment: true, line: true })),
    ...(words.block_comments ?? []).map(([open, close, nests = false]) => ({
      open,
      close,
      escape: undefined,
      nests,
      comment: true,
      line: false,
    })),
    ...(words.strings ?? []).map(([open, close, escape]) => ({ open, close, escape, nests: false, comment: false, line: false })),
  ].sort((a, b) => b.open.length - a.open.length)
  const byFirst = new Map<string, Opening[]>()
  for (const opening of openings) byFirst.set(opening.open[0]!, [...(byFirst.get(opening.open[0]!) ?? []), opening])
  const comments: [number, number][] = []
  const strings: [number, number][] = []
  for (let i = 0; i < text.length;) {
    const opening = byFirst.get(text[i]!)?.find(({ open }) => text.startsWith(open, i))
    if (opening === undefined) {
      i += 1
      continue
    }
    const end = endOf(text, i + opening.open.length, opening)
    ;(opening.comment ? comments : strings).push([i, end])
    i = Math.max(end, i + 1)
  }
  return {
    code: blank(
      text,
      [...comments, ...strings].sort(([a], [b]) => a - b),
    ),
    comments,
    strings,
  }
}

/** Behind the closing word; before the line break that ends a line comment. */
function endOf(text: string, from: number, { open, close, escape, nests, line }: Opening): number {
  let depth = 1
  for (let i = from; i < text.length;) {
    if (escape !== undefined && text.startsWith(escape, i)) i += escape.length + 1
    else if (text.startsWith(close, i)) {
      depth -= 1
      if (depth === 0) return line ? i : i + close.length
      i += close.length
    } else if (nests && text.startsWith(open, i)) {
      depth += 1
      i += open.length
    } else i += 1
  }
  return text.length
}

function blank(text: string, spans: readonly (readonly [number, number])[]): string {
  const parts: string[] = []
  let at = 0
  for (const [start, end] of spans) {
    parts.push(text.slice(at, start), text.slice(start, end).replace(/[^\r\n]/g, ' '))
    at = end
  }
  parts.push(text.slice(at))
  return parts.join('')
}
