import type { FileFacts } from '../parsing/index.ts'

/** A named part of a file, by rows. Siblings do not share a row. */
export type Item = { name: string; kind: string; path: string; row: number; rowEnd: number; children: Item[] }

type Named = { name: string; kind: string; start: number; end: number; row: number; rowEnd: number }

/** Deeper parts stay inside the part around them. */
const DEEPEST = 40

/** The functions, classes, modules and other definitions of a file as a forest; each has `names` of what could not be told apart. */
export function namedItems(facts: FileFacts): Item[] {
  const found: Named[] = []
  for (const each of [...facts.functions, ...facts.scopes, ...facts.definitions])
    if (each.name !== null && each.rowEnd >= each.row) found.push({ ...pick(each), name: each.name })
  found.sort((a, b) => a.start - b.start || b.end - a.end)
  const roots: Item[] = []
  const open: { item: Item; end: number; floor: number }[] = []
  let floor = 0
  for (const each of found) {
    while (open.length > 0 && open.at(-1)!.end <= each.start) {
      const closed = open.pop()!
      const rest = closed.item.rowEnd + 1
      if (open.length > 0) open.at(-1)!.floor = Math.max(open.at(-1)!.floor, rest)
      else floor = Math.max(floor, rest)
    }
    const around = open.at(-1)
    const row = Math.max(each.row, around ? Math.max(around.floor, around.item.row) : floor)
    const rowEnd = around ? Math.min(each.rowEnd, around.item.rowEnd) : each.rowEnd
    if (row > rowEnd || open.length >= DEEPEST) continue
    // a function and the definition that says the same, or a constant that holds it
    if (around?.item.name === each.name && around.item.row === row) continue
    const path = around ? `${around.item.path}.${each.name}` : each.name
    const item: Item = { name: each.name, kind: each.kind, path, row, rowEnd, children: [] }
    ;(around?.item.children ?? roots).push(item)
    open.push({ item, end: each.end, floor: row })
  }
  return roots
}

function pick({ kind, start, end, row, rowEnd }: Omit<Named, 'name'>): Omit<Named, 'name'> {
  return { kind, start, end, row, rowEnd }
}
