import type { CompiledTable } from './compile-table.ts'
import type { FlatTree } from './flat-tree.ts'
import type { RecordWriter } from './record-writer.ts'

export const NOTHING = -1
/** Longest name in bytes: what is longer, or goes over a line, is no name. */
const LONGEST_NAME = 200

/** Numbers for the texts of a file: one per distinct text for Halstead, one per name that stands in the facts. */
export function createTreeNames({ start, end }: FlatTree, table: CompiledTable, bytes: Uint8Array, writer: RecordWriter) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const texts = new Map<string, number>()
  const nameOfText: number[] = []
  const nameOfConstant: number[] = []

  function textId(from: number, to: number): number {
    const key = buffer.toString('latin1', from, to)
    const known = texts.get(key)
    if (known !== undefined) return known
    texts.set(key, texts.size)
    return texts.size - 1
  }

  function name(from: number, to: number): number {
    if (to <= from || to - from > LONGEST_NAME || bytes.subarray(from, to).includes(10)) return NOTHING
    const id = textId(from, to)
    return (nameOfText[id] ??= writer.name(bytes.subarray(from, to)))
  }

  return {
    textId,
    nameAt: (node: number): number => (node < 0 ? NOTHING : name(start[node]!, end[node]!)),
    /** Without quotes and angle brackets around it. */
    unquoted(node: number): number {
      if (node < 0) return NOTHING
      let [from, to] = [start[node]!, end[node]!]
      while (from < to && isQuote(bytes[from]!)) from += 1
      while (to > from && isQuote(bytes[to - 1]!)) to -= 1
      return name(from, to)
    },
    constant: (id: number): number => (id < 0 ? NOTHING : (nameOfConstant[id] ??= writer.name(table.constants[id]!))),
  }
}

/** `"`, `'`, `` ` ``, `<`, `>`. */
const isQuote = (byte: number) => byte === 34 || byte === 39 || byte === 96 || byte === 60 || byte === 62
