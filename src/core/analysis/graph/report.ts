import type { GraphEdge, GraphNode, ModuleGraph, UnresolvedWay } from './build.ts'
import { findCycles } from './cycles.ts'
import type { EdgeKind } from './module.ts'

export type GraphReport = {
  nodes: readonly GraphNode[]
  edges: readonly GraphEdge[]
  /** Groups of files that load each other, each in order. */
  cycles: readonly (readonly string[])[]
  unresolved: readonly UnresolvedWay[]
}

/** Edges along which a program loads other files by itself. */
const LOADS: ReadonlySet<EdgeKind> = new Set(['import', 'export', 'require', 'dynamic', 'include', 'reference'])

/** What of a graph is shown: the edges that begin in the wanted files, the nodes they join, the cycles these stand in. */
export function reportGraph(graph: ModuleGraph, isWanted: (path: string) => boolean): GraphReport {
  const own = new Set([...graph.modules.keys()].filter(isWanted).map(graph.nodeOf))
  const edges = graph.edges.filter(({ from }) => own.has(from))
  const shown = new Set([...own, ...edges.flatMap(({ to, resolved }) => (resolved ? [to] : []))])
  const targets = new Map<string, string[]>()
  for (const { from, to, kind, resolved } of graph.edges) {
    if (!resolved || !LOADS.has(kind)) continue
    const known = targets.get(from)
    if (known === undefined) targets.set(from, [to])
    else known.push(to)
  }
  const cycles = findCycles([...graph.nodes.keys()], (node) => targets.get(node) ?? [])
  return {
    nodes: [...graph.nodes.values()].filter(({ path }) => shown.has(path)),
    edges,
    cycles: cycles.filter((cycle) => cycle.some((node) => own.has(node))),
    unresolved: graph.unresolved.filter(({ path }) => isWanted(path)),
  }
}
