import { jsonLine } from '../../core/kernel/index.ts'
import { CodeCommand } from '../_cli/code.ts'
import { Flags } from '../_cli/oclif.ts'
import { dotOf, presentGraph } from '../_present/code-graph.ts'

export default class CodeGraph extends CodeCommand {
  static override summary = 'Show which files lead to which others: imports, cycles, and what could not be followed.'
  static override description =
    'Every import of every known language, with its line: to a file of the repository, or as it is written where it leads out of it. Nothing is left out silently: what cannot be followed is listed with its reason. No index is needed.'
  static override examples = [
    '<%= config.bin %> code graph',
    '<%= config.bin %> code graph src --format dot | dot -Tsvg > graph.svg',
    '<%= config.bin %> code graph --json | jq ".data.cycles"',
    '<%= config.bin %> code graph --base v1.0 packages/api --json',
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = {
    ...CodeCommand.baseFlag,
    format: Flags.option({ options: ['text', 'dot', 'json'] as const, default: 'text' as const })({
      description: 'text for people, dot for graphviz, json for the bare data.',
      env: 'SINGULARITY_FORMAT',
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeGraph)
    this.common(flags)
    const graph = await (await this.app()).graph.graph(this.queryOf(argv, flags))
    const text = { text: presentGraph, dot: dotOf, json: jsonLine }[flags.format]
    this.answer(graph, text(graph))
  }
}
