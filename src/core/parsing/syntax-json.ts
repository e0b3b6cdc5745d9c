import { ERROR_SYMBOL, MISSING, NAMED, type FlatTree } from './flat-tree.ts'
import { rowOf, type LineTable } from './line-table.ts'

/** A node of a syntax tree for machines. Lines from 1; bytes of the file. */
export type SyntaxJson = {
  kind: string
  named: boolean
  /** The field of the parent it stands in. */
  field: string | null
  line_start: number
  line_end: number
  byte_start: number
  byte_end: number
  /** A token the parser had to invent. */
  missing: boolean
  /** null where what is inside is left out: it lies too deep. Of a tree that is too big, the last nodes are left out. */
  children: SyntaxJson[] | null
}

/** Trees of files that somebody made by a program would need more memory, or a deeper stack, than whoever reads them has. */
const MOST = { nodes: 50_000, depth: 300 }

/** The tree as nested objects, the first nodes of it where it is too big. */
export function syntaxJson(
  tree: FlatTree,
  names: { kinds: readonly (string | null)[]; fields: readonly (string | null)[] },
  lines: LineTable,
): SyntaxJson | null {
  if (tree.count === 0) return null
  const path: { node: SyntaxJson; end: number }[] = []
  let root: SyntaxJson | null = null
  for (let i = 0; i < tree.count && i < MOST.nodes; i++) {
    while (path.length > 0 && i >= path.at(-1)!.end) path.pop()
    const symbol = tree.symbol[i]!
    const [start, end, size] = [tree.start[i]!, tree.end[i]!, tree.size[i]!]
    const tooDeep = size > 1 && path.length >= MOST.depth
    const node: SyntaxJson = {
      kind: symbol === ERROR_SYMBOL ? 'ERROR' : (names.kinds[symbol] ?? ''),
      named: (tree.flags[i]! & NAMED) !== 0,
      field: names.fields[tree.field[i]!] ?? null,
      line_start: rowOf(lines, start) + 1,
      line_end: rowOf(lines, Math.max(start, end - 1)) + 1,
      byte_start: start,
      byte_end: end,
      missing: (tree.flags[i]! & MISSING) !== 0,
      children: tooDeep ? null : [],
    }
    root ??= node
    path.at(-1)?.node.children?.push(node)
    if (tooDeep) i += size - 1
    else if (size > 1) path.push({ node, end: i + size })
  }
  return root
}
