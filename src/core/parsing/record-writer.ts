import { AT, HEADER, PARTIAL, RECORD_VERSION, SECTIONS, WIDTHS, type SectionName } from './facts-record.ts'
import type { PartialReason } from './facts.ts'

export type RecordWriter = {
  header: Int32Array
  sections: Record<SectionName, number[]>
  /** The number of a name; the same bytes may get two numbers. */
  name(bytes: Uint8Array): number
  finish(partial: PartialReason | null): Int32Array
}

/** Collects rows and names, and lays them out as facts-record.ts says. */
export function createRecordWriter(size: number): RecordWriter {
  const header = new Int32Array(HEADER)
  header.fill(-1, AT.errors)
  header[AT.version] = RECORD_VERSION
  header[AT.size] = size
  const sections = Object.fromEntries(SECTIONS.map((name) => [name, [] as number[]])) as unknown as Record<SectionName, number[]>
  const names: Uint8Array[] = []
  return {
    header,
    sections,
    name(bytes) {
      names.push(bytes)
      return names.length - 1
    },
    finish(partial) {
      header[AT.partial] = PARTIAL.indexOf(partial)
      header[AT.names] = names.length
      const nameBytes = names.reduce((sum, each) => sum + each.length, 0)
      header[AT.nameBytes] = nameBytes
      const first = HEADER + SECTIONS.length * 2
      const numbers = SECTIONS.reduce((sum, section) => sum + sections[section].length, first)
      const record = new Int32Array(numbers + names.length + Math.ceil(nameBytes / 4))
      record.set(header)
      let at = first
      SECTIONS.forEach((section, i) => {
        record[HEADER + i * 2] = at
        record[HEADER + i * 2 + 1] = sections[section].length / WIDTHS[section]
        record.set(sections[section], at)
        at += sections[section].length
      })
      const blob = new Uint8Array(record.buffer, (numbers + names.length) * 4)
      let end = 0
      names.forEach((each, i) => {
        blob.set(each, end)
        end += each.length
        record[numbers + i] = end
      })
      return record
    },
  }
}
