import { CodeCommand } from '../_cli/code.ts'
import { Flags } from '../_cli/oclif.ts'
import { duplicatesData, presentDuplicates } from '../_present/code-insights.ts'

export default class CodeDuplicates extends CodeCommand {
  static override summary = 'Find code that stands in the repository more than once.'
  static override description =
    'Compares tokens: white space and comments do not count. With --renamed names, numbers and strings do not count either. Generated, vendored and huge files, data and markup are left out.'
  static override examples = [
    '<%= config.bin %> code duplicates',
    '<%= config.bin %> code duplicates src --min-tokens 100 --renamed',
    "<%= config.bin %> code duplicates --json | jq '.data.groups[0].places'",
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = {
    'min-tokens': Flags.integer({
      description: 'Shorter repetitions do not count.',
      min: 10,
      max: 10_000,
      default: 50,
      env: 'SINGULARITY_MIN_TOKENS',
    }),
    renamed: Flags.boolean({
      description: 'Also where names, numbers and strings are others.',
      default: false,
      env: 'SINGULARITY_RENAMED',
    }),
    limit: Flags.integer({ description: 'Most groups that are shown; --json has all.', min: 1, default: 20, env: 'SINGULARITY_LIMIT' }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeDuplicates)
    this.common(flags)
    const app = await this.app()
    const [least, normalized] = [flags['min-tokens'], flags.renamed]
    const found = await this.untilSignal(({ soft }) => app.insights.duplicates(this.queryOf(argv, {}), { least, normalized, signal: soft }))
    this.answer(duplicatesData(found, least, normalized), presentDuplicates(found, flags.limit))
  }
}
