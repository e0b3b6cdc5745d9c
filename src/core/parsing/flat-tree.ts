/**
 * A syntax tree as columns in source order (parents first). The subtree of node i is i … i + size[i] - 1, so children and siblings are
 * found by adding sizes. Offsets are bytes of the file.
 */
export type FlatTree = {
  count: number
  symbol: Uint16Array
  field: Uint16Array
  start: Uint32Array
  end: Uint32Array
  size: Uint32Array
  /** -1 for the root. */
  parent: Int32Array
  flags: Uint8Array
}

export const NAMED = 1
export const MISSING = 2
export const ERROR_SYMBOL = 65535

/** What the cursors of node-tree-sitter and web-tree-sitter have in common. */
export type TreeCursor = {
  readonly nodeTypeId: number
  readonly nodeIsNamed: boolean
  readonly nodeIsMissing: boolean
  readonly startIndex: number
  readonly endIndex: number
  readonly currentFieldId: number
  gotoFirstChild(): boolean
  gotoNextSibling(): boolean
  gotoParent(): boolean
}

/**
 * Copies a tree by its cursor, without recursion. `byteOf` turns the cursor's offsets into bytes; `symbolOf` its kinds into those
 * of the compiled table.
 */
export function flatten(
  cursor: TreeCursor,
  byteOf: (offset: number) => number,
  symbolOf: (id: number, named: boolean) => number,
): FlatTree {
  let room = 4096
  let tree = allocate(room)
  const path: number[] = []
  let count = 0
  for (;;) {
    if (count === room) {
      room *= 2
      tree = grow(tree, room)
    }
    const named = cursor.nodeIsNamed
    const id = cursor.nodeTypeId
    tree.symbol[count] = id === ERROR_SYMBOL ? ERROR_SYMBOL : symbolOf(id, named)
    tree.field[count] = cursor.currentFieldId
    tree.start[count] = byteOf(cursor.startIndex)
    tree.end[count] = byteOf(cursor.endIndex)
    tree.parent[count] = path.at(-1) ?? -1
    tree.flags[count] = (named ? NAMED : 0) | (cursor.nodeIsMissing ? MISSING : 0)
    tree.size[count] = 1
    count += 1
    if (cursor.gotoFirstChild()) {
      path.push(count - 1)
      continue
    }
    while (!cursor.gotoNextSibling()) {
      const parent = path.pop()
      if (parent === undefined) return { ...tree, count }
      tree.size[parent] = count - parent
      cursor.gotoParent()
    }
  }
}

function allocate(room: number): FlatTree {
  return {
    count: 0,
    symbol: new Uint16Array(room),
    field: new Uint16Array(room),
    start: new Uint32Array(room),
    end: new Uint32Array(room),
    size: new Uint32Array(room),
    parent: new Int32Array(room),
    flags: new Uint8Array(room),
  }
}

function grow(old: FlatTree, room: number): FlatTree {
  const tree = allocate(room)
  for (const column of ['symbol', 'field', 'start', 'end', 'size', 'parent', 'flags'] as const) tree[column].set(old[column])
  return tree
}
