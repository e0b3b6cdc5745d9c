import { plural } from '../../core/kernel/index.ts'
import { QueueCommand } from '../_cli/queue.ts'

export default class QueuePrune extends QueueCommand {
  static override summary = 'Remove what ended longer ago than queue.retention_days.'
  static override description = 'This also happens by itself, at most once a day. Payloads go before the rows that tell what was spent.'
  static override examples = ['<%= config.bin %> queue prune', 'SHARED_QUEUE_RETENTION_DAYS=7 <%= config.bin %> queue prune']

  async run(): Promise<void> {
    const { flags } = await this.parse(QueuePrune)
    this.common(flags)
    const pruned = await (await this.queue()).prune()
    this.answer(pruned, `removed ${plural(pruned.pruned, 'row')}`)
  }
}
