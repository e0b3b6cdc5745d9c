import { BaseCommand } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'
import { timeOf } from '../_cli/values.ts'
import { presentModelStatistics } from '../_present/llm-report.ts'

export default class LlmStats extends BaseCommand {
  static override summary =
    'How many requests went to models, what they cost, how long agents waited, and what rules and caches answered instead.'
  static override examples = ['<%= config.bin %> llm stats', '<%= config.bin %> llm stats --since 7d', '<%= config.bin %> llm stats --json']
  static override flags = {
    since: Flags.string({ description: 'Only requests since then: 7d, 2026-05-01.', env: 'SINGULARITY_SINCE' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(LlmStats)
    this.common(flags)
    const app = await this.app()
    const since = flags.since === undefined ? 0 : timeOf('since', flags.since, app.context.clock.now())
    const statistics = await app.modelReports.statistics(since)
    this.answer(statistics, presentModelStatistics(statistics))
  }
}
