import { AT } from '../facts-record.ts'
import type { PartialReason } from '../facts.ts'
import type { FactEngine } from '../fact-engine.ts'
import { createLineTable, sumLines } from '../line-table.ts'
import { createRecordWriter } from '../record-writer.ts'

/** Counts of rows for files of no known language: text and blank. */
export function readText(bytes: Uint8Array, partial: PartialReason | null = null): Int32Array {
  const lines = createLineTable(bytes)
  const { source, blank } = sumLines(lines)
  const writer = createRecordWriter(bytes.length)
  writer.header[AT.physical] = lines.physical
  writer.header[AT.source] = source[lines.physical]!
  writer.header[AT.blank] = blank[lines.physical]!
  return writer.finish(partial)
}

/** Tier 3: any file, whatever its size. */
export function createTextEngine(): FactEngine {
  return {
    name: 'text',
    tier: 3,
    support: () => Promise.resolve({ ok: true, grammar: '', version: '1', abi: null }),
    read: (files) => Promise.resolve(files.map(({ bytes }) => readText(bytes))),
  }
}
