import type { FileFacts, Span } from '../parsing/index.ts'

/** The tokens of one file as numbers: two are equal where their numbers are. */
export type CodeTokens = {
  ids: Int32Array
  /** Rows (from 0) in which each begins and ends. */
  rows: Int32Array
  rowEnds: Int32Array
}

export type TokenOptions = {
  /** Names, numbers and strings are the same whatever they say. */
  normalized: boolean
}

const WORD = /[A-Za-z_$\u0080-\u00ff][\w$\u0080-\u00ff]*|\d[\w.]*|[^\s\w]/g
const NAME_ID = 0
const NUMBER_ID = 1
const STRING_ID = 2

/**
 * Numbers tokens the same in all files it is asked about. What is a comment, a string and a name comes from the facts: comments are
 * left out, a string is one token, and a word that is no name anywhere in its file is a word of the language.
 */
export function createTokenizer({ normalized }: TokenOptions): (bytes: Uint8Array, facts: FileFacts) => CodeTokens {
  const known = new Map<string, number>()
  const idOf = (text: string): number => {
    const id = known.get(text)
    if (id !== undefined) return id
    const next = STRING_ID + 1 + known.size
    known.set(text, next)
    return next
  }
  return (bytes, facts) => {
    // one letter is one byte, as in the facts
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    const names = normalized ? namesOf(facts) : undefined
    const [ids, rows, rowEnds]: [number[], number[], number[]] = [[], [], []]
    let [row, counted] = [0, 0]
    const rowAt = (at: number): number => {
      for (let next = text.indexOf('\n', counted); next !== -1 && next < at; next = text.indexOf('\n', counted)) {
        row++
        counted = next + 1
      }
      return row
    }
    const add = (id: number, start: number, end: number): void => {
      ids.push(id)
      rows.push(rowAt(start))
      rowEnds.push(rowAt(end - 1))
    }
    const addCode = (from: number, to: number): void => {
      WORD.lastIndex = from
      for (let match = WORD.exec(text); match !== null && match.index < to; match = WORD.exec(text)) {
        const word = text.slice(match.index, Math.min(to, WORD.lastIndex))
        add(names === undefined ? idOf(word) : normalOf(word, names), match.index, match.index + word.length)
        if (WORD.lastIndex >= to) return
      }
    }
    const normalOf = (word: string, own: ReadonlySet<string>): number =>
      own.has(word) ? NAME_ID : /^\d/.test(word) ? NUMBER_ID : idOf(word)
    let at = 0
    for (const { start, end, string } of opaqueParts(facts)) {
      if (start < at) continue
      addCode(at, start)
      if (string) add(normalized ? STRING_ID : idOf(text.slice(start, end)), start, end)
      at = end
    }
    addCode(at, text.length)
    return { ids: Int32Array.from(ids), rows: Int32Array.from(rows), rowEnds: Int32Array.from(rowEnds) }
  }
}

function opaqueParts({ comments, strings }: FileFacts): (Span & { string: boolean })[] {
  const parts = [...comments.map((span) => ({ ...span, string: false })), ...strings.map((span) => ({ ...span, string: true }))]
  return parts.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start || b.end - a.end)
}

function namesOf({ definitions, references, calls, functions }: FileFacts): ReadonlySet<string> {
  const all = [
    ...definitions.map(({ name }) => name),
    ...references.map(({ name }) => name),
    ...calls.flatMap(({ name }) => name ?? []),
    ...functions.flatMap(({ parameters }) => parameters),
  ]
  return new Set(all.map((name) => Buffer.from(name).toString('latin1')))
}
