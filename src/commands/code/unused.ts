import { CodeCommand } from '../_cli/code.ts'
import { Flags } from '../_cli/oclif.ts'
import { presentUnused, unusedData } from '../_present/code-unused.ts'

export default class CodeUnused extends CodeCommand {
  static override summary = 'Propose exports that no other file names, with what speaks against it.'
  static override description =
    'JavaScript, TypeScript, Python, Go and Rust. Names are compared over the whole repository, tests apart. What a package offers, a text mentions, a decorator takes, or lies in a file that nobody imports is a doubt. Nothing is changed.'
  static override examples = [
    '<%= config.bin %> code unused',
    '<%= config.bin %> code unused src/core --doubtful',
    '<%= config.bin %> code unused --json | jq -r \'.data.proposals[] | select(.confidence == "likely") | .path\'',
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = {
    doubtful: Flags.boolean({
      description: 'Show those too that something speaks against, or that their own file uses.',
      default: false,
      env: 'SINGULARITY_DOUBTFUL',
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeUnused)
    this.common(flags)
    const app = await this.app()
    const found = await this.untilSignal(({ soft }) => app.insights.unused(this.queryOf(argv, {}), soft))
    this.answer(unusedData(found), presentUnused(found, flags.doubtful))
  }
}
