import { CodeCommand } from '../_cli/code.ts'
import { Flags } from '../_cli/oclif.ts'
import { impactData, presentImpact } from '../_present/code-graph.ts'

export default class CodeImpact extends CodeCommand {
  static override summary = 'Tell what a change reaches: changed symbols, who calls them, which tests lead to them.'
  static override description =
    'Compares the files as they lie here with where HEAD left --base. What no test runs comes first: by the coverage and the planted faults that earlier runs recorded, else by imports alone. Tests that are found may still not be all: then it says what could not be followed.'
  static override examples = [
    '<%= config.bin %> code impact',
    '<%= config.bin %> code impact --base origin/main',
    '<%= config.bin %> code impact --base HEAD~3 src --json | jq -r ".data.tests[].path"',
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = {
    base: Flags.string({ description: 'What changed since HEAD left this revision; HEAD by itself.', env: 'SINGULARITY_BASE' }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeImpact)
    this.common(flags)
    const impact = await (await this.app()).graph.impact(this.queryOf(argv, flags))
    this.answer(impactData(impact), presentImpact(impact))
  }
}
