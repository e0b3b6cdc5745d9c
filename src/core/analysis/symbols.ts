import type { DefinitionFact, FileFacts } from '../parsing/index.ts'

export type SymbolPlace = {
  name: string
  kind: string
  /** `Class.method` around it. */
  container: string | null
  /** 1-based, inclusive. */
  line: number
  lineEnd: number
  /** Where the name stands: a decorator or a type may stand in front of it. */
  nameLine: number
  /** 1-based, UTF-16. */
  column: number
}

/** `exact`: the file itself defines the name; `import`: it imports it; `name`: it is called the same. */
export type Confidence = 'exact' | 'import' | 'name'

export type SymbolUse = Omit<SymbolPlace, 'lineEnd' | 'nameLine'> & { confidence: Confidence }

/** Definitions in the order of their names' places. */
export function sortedDefinitions(facts: FileFacts): DefinitionFact[] {
  return facts.definitions.toSorted((a, b) => a.nameStart - b.nameStart || a.start - b.start || (a.name < b.name ? -1 : 1))
}

/** The same with the path of what is around them. */
export function definitionsOf(bytes: Uint8Array, facts: FileFacts): SymbolPlace[] {
  const containerOf = createContainers(facts)
  return sortedDefinitions(facts).map(({ name, kind, start, end, row, rowEnd, nameRow, nameStart }) => ({
    name,
    kind,
    container: containerOf(nameStart, start, end),
    line: row + 1,
    lineEnd: rowEnd + 1,
    nameLine: nameRow + 1,
    column: columnOf(bytes, nameStart),
  }))
}

/** Places where a name is used, in order: calls, imports and everything else that refers to it. */
export function usesOf(bytes: Uint8Array, facts: FileFacts, name: string): SymbolUse[] {
  const containerOf = createContainers(facts)
  const places = new Map<number, { row: number; kind: string }>()
  const imported = facts.imports.filter(({ names }) => names.some((each) => each.name === name || each.alias === name))
  const inImport = (at: number): boolean => facts.imports.some(({ start, end }) => start <= at && at < end)
  for (const { start, row } of facts.references.filter((each) => each.name === name))
    places.set(start, { row, kind: inImport(start) ? 'import' : 'reference' })
  for (const { start, row } of facts.calls.filter((each) => each.name === name)) places.set(start, { row, kind: 'call' })
  const confidence: Confidence = facts.definitions.some((each) => each.name === name) ? 'exact' : imported.length > 0 ? 'import' : 'name'
  return [...places]
    .sort(([a], [b]) => a - b)
    .map(([start, { row, kind }]) => ({
      name,
      kind,
      container: containerOf(start, start, start),
      line: row + 1,
      column: columnOf(bytes, start),
      confidence,
    }))
}

/** The path of functions and scopes around places; asked in ascending order of `at`. */
function createContainers(facts: FileFacts): (at: number, start: number, end: number) => string | null {
  const around = [...facts.functions, ...facts.scopes]
    .filter((each) => each.name !== null)
    .sort((a, b) => a.start - b.start || b.end - a.end)
  const open: { path: string; start: number; end: number }[] = []
  let next = 0
  return (at, start, end) => {
    for (; next < around.length && around[next]!.start <= at; next++) {
      const each = around[next]!
      while (open.length > 0 && open.at(-1)!.end <= each.start) open.pop()
      const outer = open.at(-1)
      // a long chain says no more than its end
      open.push({ path: outer === undefined ? each.name! : `${outer.path.slice(-200)}.${each.name}`, start: each.start, end: each.end })
    }
    while (open.length > 0 && open.at(-1)!.end <= at) open.pop()
    return open.findLast((each) => each.start < start || (each.start <= start && each.end > end))?.path ?? null
  }
}

/** 1-based, in UTF-16 units. */
export function columnOf(bytes: Uint8Array, at: number): number {
  const start = at === 0 ? 0 : bytes.lastIndexOf(10, at - 1) + 1
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('utf8').length + 1
}
