import type { GraphReport, ModuleGraphs, ModuleTree } from '../analysis/index.ts'
import type { Git } from '../git/index.ts'
import { type CodeQuery, openTree } from './code-files.ts'
import { type ImpactParts, composeImpact } from './code-impact.ts'
import { once } from './context.ts'
import type { Reading } from './reading.ts'

export type GraphParts = { isolated: Reading['isolated']; git: () => Promise<Git>; store: ImpactParts['store'] }

/** Who imports whom, and whom a change reaches. The room that reads it is loaded when it is first asked for. */
export function composeGraph({ isolated, git, store }: GraphParts) {
  const made = once(async () => (await import('../analysis/index.ts')).createModuleGraphs({ reader: isolated }))
  const graphs: ModuleGraphs = {
    graphOf: async (tree) => (await made()).graphOf(tree),
    isAlike: async (tree, other) => (await made()).isAlike(tree, other),
    count: async (tree) => (await made()).count(tree),
  }

  /** The files as they lie here, or those of a commit. */
  async function treeHere(query: CodeQuery): Promise<ModuleTree> {
    const { paths, read } = await openTree(await git(), query)
    return { id: null, list: async () => paths.map((path) => ({ path, oid: null })), read }
  }

  async function graph(query: CodeQuery): Promise<GraphReport> {
    const { reportGraph } = await import('../analysis/index.ts')
    const wanted = new Set((await openTree(await git(), query)).paths)
    const whole = await graphs.graphOf(await treeHere({ paths: [], base: query.base }))
    return reportGraph(whole, (path) => wanted.has(path))
  }

  return { graphs, graph, ...composeImpact({ git, store, graphs, reader: isolated, treeHere: () => treeHere({ paths: [] }) }) }
}
