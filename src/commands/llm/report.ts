import { BaseCommand } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'
import { timeOf } from '../_cli/values.ts'
import { presentReport } from '../_present/llm-report.ts'

export default class LlmReport extends BaseCommand {
  static override summary =
    'Compare models on your own work: how often they answer as asked, how fast, and what an answer or a landed change costs.'
  static override description =
    'Measured on this repository, per model and kind of task, from the calls that are kept (queue.retention_days). Burnt is money spent on runs whose changes were rolled back or undone.'
  static override examples = [
    '<%= config.bin %> llm report',
    '<%= config.bin %> llm report --since 30d',
    '<%= config.bin %> llm report --json',
  ]
  static override flags = {
    since: Flags.string({ description: 'Only calls since then: 7d, 2026-05-01.', env: 'SINGULARITY_SINCE' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(LlmReport)
    this.common(flags)
    const app = await this.app()
    const since = flags.since === undefined ? 0 : timeOf('since', flags.since, app.context.clock.now())
    const report = await app.modelReports.report(since)
    this.answer(report, presentReport(report))
  }
}
