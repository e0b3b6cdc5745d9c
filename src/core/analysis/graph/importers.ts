import type { ModuleGraph } from './build.ts'

/** Nodes that lead to one of these, also through others, with the fewest steps it takes; they themselves with 0. */
export function findImporters(graphs: readonly ModuleGraph[], nodes: readonly string[]): Map<string, number> {
  const steps = new Map(nodes.map((node) => [node, 0]))
  for (let front = [...nodes], step = 1; front.length > 0; step++) {
    const next: string[] = []
    for (const node of front)
      for (const { importers } of graphs)
        for (const importer of importers.get(node) ?? []) {
          if (steps.has(importer)) continue
          steps.set(importer, step)
          next.push(importer)
        }
    front = next
  }
  return steps
}
