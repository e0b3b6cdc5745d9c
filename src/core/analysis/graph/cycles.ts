/**
 * Groups of nodes that lead back to themselves: strongly connected components (Tarjan, "Depth-first search and linear graph
 * algorithms", 1972) of more than one node, and nodes that lead to themselves. Without recursion; each group and all groups in order.
 */
export function findCycles(nodes: readonly string[], targetsOf: (node: string) => readonly string[]): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const open: string[] = []
  const isOpen = new Set<string>()
  const groups: string[][] = []
  const enter = (node: string): { node: string; targets: readonly string[]; next: number } => {
    index.set(node, index.size)
    low.set(node, index.get(node)!)
    open.push(node)
    isOpen.add(node)
    return { node, targets: targetsOf(node), next: 0 }
  }
  const lower = (node: string, to: number): void => {
    if (to < low.get(node)!) low.set(node, to)
  }
  for (const start of nodes) {
    if (index.has(start)) continue
    const path = [enter(start)]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = top.targets[top.next++]
      if (target !== undefined) {
        if (!index.has(target)) path.push(enter(target))
        else if (isOpen.has(target)) lower(top.node, index.get(target)!)
        continue
      }
      path.pop()
      const before = path.at(-1)
      if (before) lower(before.node, low.get(top.node)!)
      if (low.get(top.node) !== index.get(top.node)) continue
      const group = open.splice(open.lastIndexOf(top.node))
      for (const each of group) isOpen.delete(each)
      if (group.length > 1 || top.targets.includes(top.node)) groups.push(group.toSorted())
    }
  }
  return groups.toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1))
}
