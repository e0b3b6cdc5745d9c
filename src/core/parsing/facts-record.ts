import type { FactEngineName, FileFacts, HalsteadCounts, LineCounts, PartialReason, Span } from './facts.ts'

/**
 * Facts as every engine writes them: one block of 32-bit numbers and the names behind it. It can be kept as it is; objects are made
 * when they are asked for. Native code writes the same layout (native/src/walk_state.h): a change here is a change there and a new version.
 *
 * Header (HEADER numbers), one pair (first number, rows) per section, the sections, the ends of the names in bytes, the names in UTF-8.
 */
export const RECORD_VERSION = 2
export const HEADER = 32
/** Numbers per row of each section, in the order of the record. */
export const WIDTHS = {
  functions: 29,
  parameters: 1,
  scopes: 9,
  imports: 9,
  importNames: 2,
  calls: 5,
  definitions: 11,
  references: 4,
  tests: 9,
  assertions: 7,
  comments: 4,
  strings: 4,
  initializers: 7,
} as const
export type SectionName = keyof typeof WIDTHS
export const SECTIONS = Object.keys(WIDTHS) as SectionName[]

/** Places in the header. */
export const AT = {
  version: 0,
  names: 1,
  nameBytes: 2,
  size: 3,
  partial: 4,
  errors: 5,
  errorBytes: 6,
  nodes: 7,
  physical: 8,
  source: 9,
  logical: 10,
  comment: 11,
  blank: 12,
  decisions: 13,
  cognitive: 17,
  cognitiveOwn: 18,
  n1: 19,
  n2: 20,
  N1: 21,
  N2: 22,
  nesting: 23,
} as const

/** The number in the header for each reason; 0 is none. */
export const PARTIAL: readonly (PartialReason | null)[] = [null, 'syntax', 'encoding', 'deadline', 'size', 'quarantined']

export type FactsOrigin = { language: string; tier: 1 | 2 | 3; engine: FactEngineName }

/** A view of a record: every list is decoded when it is first asked for. */
export function readFacts(record: Int32Array, origin: FactsOrigin): FileFacts {
  if (record[AT.version] !== RECORD_VERSION) throw new Error(`facts of version ${record[AT.version]}, this program reads ${RECORD_VERSION}`)
  const nameOf = namesOf(record)
  const known = (value: number) => (value < 0 ? null : value)
  const text = (id: number) => (id < 0 ? null : nameOf(id))
  const rows = <T>(section: SectionName, read: (at: number) => T): T[] => {
    const place = HEADER + SECTIONS.indexOf(section) * 2
    const first = record[place]!
    return Array.from({ length: record[place + 1]! }, (_, i) => read(first + i * WIDTHS[section]))
  }
  const n = (at: number) => record[at]!
  const span = (at: number): Span => ({ start: n(at), end: n(at + 1), row: n(at + 2), rowEnd: n(at + 3) })
  const halstead = (at: number): HalsteadCounts | null => (n(at) < 0 ? null : { n1: n(at), n2: n(at + 1), N1: n(at + 2), N2: n(at + 3) })
  const four = (at: number) =>
    n(at) < 0 ? null : { default: n(at), eslint: known(n(at + 1)), rca: known(n(at + 2)), sonar: known(n(at + 3)) }
  const lines = (at: number, physical: number): LineCounts => ({
    physical,
    source: n(at),
    logical: known(n(at + 1)),
    comment: known(n(at + 2)),
    blank: n(at + 3),
  })
  const lazy: Partial<FileFacts> = {}
  const once = <K extends keyof FileFacts>(key: K, make: () => FileFacts[K]): FileFacts[K] => (lazy[key] ??= make()) as FileFacts[K]
  return {
    ...origin,
    partial: PARTIAL[n(AT.partial)] ?? null,
    errors: known(n(AT.errors)),
    errorRatio: n(AT.errorBytes) < 0 ? null : n(AT.size) === 0 ? 0 : n(AT.errorBytes) / n(AT.size),
    lines: {
      physical: n(AT.physical),
      source: n(AT.source),
      logical: known(n(AT.logical)),
      comment: known(n(AT.comment)),
      blank: n(AT.blank),
    },
    file: {
      decisions: four(AT.decisions),
      cognitive: known(n(AT.cognitive)),
      cognitiveOwn: known(n(AT.cognitiveOwn)),
      halstead: halstead(AT.n1),
      nesting: known(n(AT.nesting)),
    },
    get functions() {
      return once('functions', () => {
        const parameters = rows('parameters', (at) => nameOf(n(at)))
        return rows('functions', (at) => ({
          name: text(n(at)),
          kind: nameOf(n(at + 1)),
          ...span(at + 2),
          nameStart: known(n(at + 6)),
          nameEnd: known(n(at + 7)),
          parent: known(n(at + 8)),
          scope: known(n(at + 9)),
          parameters: parameters.slice(n(at + 10), n(at + 10) + n(at + 11)),
          nesting: known(n(at + 12)),
          cyclomatic: four(at + 13),
          cognitive: known(n(at + 17)),
          cognitiveOwn: known(n(at + 18)),
          structures: known(n(at + 19)),
          depth: known(n(at + 20)),
          halstead: halstead(at + 21),
          lines: lines(at + 25, n(at + 5) - n(at + 4) + 1),
        }))
      })
    },
    get scopes() {
      return once('scopes', () =>
        rows('scopes', (at) => ({
          name: text(n(at)),
          kind: nameOf(n(at + 1)),
          ...span(at + 2),
          nameStart: known(n(at + 6)),
          parent: known(n(at + 7)),
          function: known(n(at + 8)),
        })),
      )
    },
    get imports() {
      return once('imports', () => {
        const names = rows('importNames', (at) => ({ name: nameOf(n(at)), alias: text(n(at + 1)) }))
        return rows('imports', (at) => ({
          specifier: text(n(at)),
          form: nameOf(n(at + 1)),
          ...span(at + 2),
          names: names.slice(n(at + 6), n(at + 6) + n(at + 7)),
          function: known(n(at + 8)),
        }))
      })
    },
    get calls() {
      return once('calls', () =>
        rows('calls', (at) => ({
          name: text(n(at)),
          receiver: text(n(at + 1)),
          row: n(at + 2),
          start: n(at + 3),
          function: known(n(at + 4)),
        })),
      )
    },
    get definitions() {
      return once('definitions', () =>
        rows('definitions', (at) => ({
          name: nameOf(n(at)),
          kind: nameOf(n(at + 1)),
          ...span(at + 2),
          nameRow: n(at + 6),
          nameStart: n(at + 7),
          nameEnd: n(at + 8),
          scope: known(n(at + 9)),
          function: known(n(at + 10)),
        })),
      )
    },
    get references() {
      return once('references', () =>
        rows('references', (at) => ({ name: nameOf(n(at)), row: n(at + 1), start: n(at + 2), function: known(n(at + 3)) })),
      )
    },
    get tests() {
      return once('tests', () =>
        rows('tests', (at) => ({
          name: text(n(at)),
          kind: nameOf(n(at + 1)),
          state: nameOf(n(at + 2)),
          ...span(at + 3),
          parent: known(n(at + 7)),
          function: known(n(at + 8)),
        })),
      )
    },
    get assertions() {
      return once('assertions', () =>
        rows('assertions', (at) => ({ matcher: text(n(at)), ...span(at + 1), test: known(n(at + 5)), function: known(n(at + 6)) })),
      )
    },
    get comments() {
      return once('comments', () => rows('comments', span))
    },
    get strings() {
      return once('strings', () => rows('strings', span))
    },
    get initializers() {
      return once('initializers', () =>
        rows('initializers', (at) => ({ name: text(n(at)), ...span(at + 1), function: known(n(at + 5)), cyclomatic: n(at + 6) })),
      )
    },
  }
}

/** The names behind the numbers, decoded one by one and once. */
function namesOf(record: Int32Array): (id: number) => string {
  const count = record[AT.names]!
  const last = HEADER + (SECTIONS.length - 1) * 2
  const ends = record[last]! + record[last + 1]! * WIDTHS[SECTIONS.at(-1)!]
  const bytes = Buffer.from(record.buffer, record.byteOffset + (ends + count) * 4, record[AT.nameBytes])
  const known: (string | undefined)[] = []
  return (id) => (known[id] ??= bytes.toString('utf8', id === 0 ? 0 : record[ends + id - 1], record[ends + id]))
}
