import { jsonLine } from '../../core/kernel/index.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { durationOf } from '../_cli/values.ts'
import { Args, Flags } from '../_cli/oclif.ts'

export default class QueueRead extends QueueCommand {
  static override summary = 'Read messages of a queue that programs share, one JSON object per line.'
  static override description =
    'What is read is hidden from other readers for the time of --visibility. What is not acknowledged by then (`queue ack`) comes again.'
  static override examples = [
    '<%= config.bin %> queue read ai_results',
    '<%= config.bin %> queue read ai_results --limit 100 --visibility 5m --json',
  ]
  static override args = { queue: Args.string({ description: 'Name of the queue.', required: true }) }
  static override flags = {
    limit: Flags.integer({ description: 'How many.', default: 1, min: 1, max: 10_000, env: 'SINGULARITY_LIMIT' }),
    visibility: Flags.string({ description: 'How long they stay hidden.', default: '30s', env: 'SINGULARITY_VISIBILITY' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueRead)
    this.common(flags)
    const visibilityMs = durationOf('visibility', flags.visibility)
    const read = await (await this.queue()).read(args.queue, { limit: flags.limit, visibilityMs })
    this.answer(read, read.messages.map((message) => jsonLine(message)).join('\n'))
  }
}
