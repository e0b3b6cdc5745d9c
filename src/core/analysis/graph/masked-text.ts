import type { FileFacts, Span } from '../../parsing/index.ts'

const NEWLINE = 10
const SPACE = 32
const HOLE = 0x78

/**
 * A source in which only code is left: comments and the insides of strings are blank, those of templates with holes are not. One
 * character per byte, so that offsets of facts are offsets of it.
 */
export function maskText(bytes: Uint8Array, facts: Pick<FileFacts, 'comments' | 'strings'>): string {
  const masked = Buffer.from(bytes)
  const blank = (from: number, to: number, sign = SPACE): void => {
    for (let at = from; at < to; at++) if (masked[at] !== NEWLINE) masked[at] = sign
  }
  for (const { start, end } of facts.strings) {
    const hole = bytes[start] === 0x60 ? Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).indexOf('${') : -1
    blank(start + 1, end - 1, hole < 0 ? SPACE : HOLE)
  }
  for (const { start, end } of facts.comments) blank(start, end)
  return masked.toString('latin1')
}

/** The words of a string without its quotes and prefix. */
export function stringAt(bytes: Uint8Array, { start, end }: Pick<Span, 'start' | 'end'>): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
  const open = /^[A-Za-z]{0,2}("""|'''|["'`])/.exec(text)
  if (open === null) return text
  const close = open[1]!
  return text.slice(open[0].length, text.endsWith(close) && text.length >= open[0].length + close.length ? -close.length : undefined)
}

/** Components written in one file: everything but their scripts is blank. */
export function scriptsOnly(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const kept = Buffer.from(text.replace(/[^\n]/g, ' '), 'latin1')
  for (const { 1: open, 2: body, index } of text.matchAll(/(<script\b[^>]*>)([\s\S]*?)<\/script>/gi)) {
    const from = index + open!.length
    kept.set(bytes.subarray(from, from + body!.length), from)
  }
  return kept
}
