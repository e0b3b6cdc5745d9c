import { presentStatistics } from '../_present/queue-state.ts'
import { QueueCommand } from '../_cli/queue.ts'

export default class QueueStats extends QueueCommand {
  static override summary = 'Tell what waits, how fast and how well requests are answered, and what went wrong.'
  static override examples = ['<%= config.bin %> queue stats', '<%= config.bin %> queue stats --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(QueueStats)
    this.common(flags)
    const statistics = await (await this.queue()).statistics()
    this.answer(statistics, presentStatistics(statistics))
  }
}
