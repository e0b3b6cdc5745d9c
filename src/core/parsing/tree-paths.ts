import { STEP, type CompiledCondition, type CompiledTable, type Path } from './compile-table.ts'
import { ERROR_SYMBOL, NAMED, type FlatTree } from './flat-tree.ts'
import { BITS } from './language-table.ts'

/** Finds places in a flat tree by the paths of a compiled table. native/src/paths.h is its twin. */
export type PathFinder = {
  /** The first place that the first of the paths which leads anywhere leads to, or -1. */
  first(node: number, paths: readonly Path[]): number
  holds(condition: CompiledCondition, node: number, scope: number): boolean
}

export function createPathFinder(tree: FlatTree, table: CompiledTable, bytes: Uint8Array): PathFinder {
  const { symbol, field, size, parent, flags } = tree
  const isComment = (node: number) => symbol[node] !== ERROR_SYMBOL && (table.bits[symbol[node]!]! & BITS.comment) !== 0
  const inSet = (set: number, node: number) => symbol[node] !== ERROR_SYMBOL && table.sets[set]![symbol[node]!] === 1

  /** Visits the places a path leads to until `take` says true. */
  function visit(node: number, path: Path, index: number, take: (node: number) => boolean): boolean {
    if (index === path.length) return take(node)
    const { op, arg } = path[index]!
    const end = node + size[node]!
    switch (op) {
      case STEP.field:
        for (let child = node + 1; child < end; child += size[child]!)
          if (field[child] !== 0 && table.sets[arg]![field[child]!] === 1 && visit(child, path, index + 1, take)) return true
        return false
      case STEP.kind:
        for (let child = node + 1; child < end; child += size[child]!)
          if (inSet(arg, child) && visit(child, path, index + 1, take)) return true
        return false
      case STEP.nth: {
        let found = -1
        let left = arg
        for (let child = node + 1; child < end; child += size[child]!) {
          if ((flags[child]! & NAMED) === 0 || isComment(child)) continue
          if (arg < 0) found = child
          else if (left-- === 0) {
            found = child
            break
          }
        }
        return found >= 0 && visit(found, path, index + 1, take)
      }
      case STEP.up:
        return parent[node]! >= 0 && visit(parent[node]!, path, index + 1, take)
      case STEP.previous:
        for (let sibling = previousOf(node); sibling >= 0 && inSet(arg, sibling); sibling = previousOf(sibling))
          if (visit(sibling, path, index + 1, take)) return true
        return false
      case STEP.deep: {
        let at = node
        for (let next = fieldOf(at, arg); next >= 0; next = fieldOf(at, arg)) at = next
        return visit(at, path, index + 1, take)
      }
      default:
        for (let child = node + 1; child < end; child++) if (inSet(arg, child) && visit(child, path, index + 1, take)) return true
        return false
    }
  }

  function fieldOf(node: number, set: number): number {
    const end = node + size[node]!
    for (let child = node + 1; child < end; child += size[child]!)
      if (field[child] !== 0 && table.sets[set]![field[child]!] === 1) return child
    return -1
  }

  /** The sibling before a node, comments left out, or -1: what stands before is its last descendant. */
  function previousOf(node: number): number {
    let at = node
    do {
      if (at - 1 <= parent[node]!) return -1
      at -= 1
      while (parent[at] !== parent[node]) at = parent[at]!
    } while (isComment(at))
    return at
  }

  function matches(condition: CompiledCondition, node: number): boolean {
    if (condition.kinds >= 0 && !inSet(condition.kinds, node)) return false
    if (condition.fields >= 0 && (field[node] === 0 || table.sets[condition.fields]![field[node]!] !== 1)) return false
    const start = tree.start[node]!
    const length = tree.end[node]! - start
    const same = (words: Uint8Array, at: number) => {
      for (let i = 0; i < words.length; i++) if (bytes[at + i] !== words[i]) return false
      return true
    }
    if (condition.text.length > 0 && !condition.text.some((words) => words.length === length && same(words, start))) return false
    if (condition.prefix.length > 0 && !condition.prefix.some((words) => words.length <= length && same(words, start))) return false
    if (condition.contains.length === 0) return true
    return condition.contains.some((words) => {
      for (let at = start; at + words.length <= start + length; at++) if (same(words, at)) return true
      return false
    })
  }

  return {
    first(node, paths) {
      let found = -1
      for (const path of paths)
        if (
          visit(node, path, 0, (place) => {
            found = place
            return true
          })
        )
          return found
      return -1
    },
    holds(condition, node, scope) {
      const any =
        (condition.scopes === 0 || (condition.scopes & (1 << scope)) !== 0) &&
        condition.paths.some((path) => visit(node, path, 0, (place) => matches(condition, place)))
      return any !== condition.negative
    },
  }
}
