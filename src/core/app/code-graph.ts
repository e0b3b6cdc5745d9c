import type { ModuleGraphs } from '../analysis/index.ts'
import { once } from './context.ts'
import type { Reading } from './reading.ts'

export type GraphParts = { reading: Reading }

/** Who imports whom, and whom a change reaches. The room that reads it is loaded when it is first asked for. */
export function composeGraph({ reading }: GraphParts) {
  const made = once(async () => (await import('../analysis/index.ts')).createModuleGraphs({ reader: once(async () => reading.isolated()) }))
  const graphs: ModuleGraphs = {
    graphOf: async (tree) => (await made()).graphOf(tree),
    count: async (tree) => (await made()).count(tree),
  }
  return { graphs }
}
