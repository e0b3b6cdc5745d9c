import { plural, SingularityError } from '../../core/kernel/index.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueAck extends QueueCommand {
  static override summary = 'Acknowledge messages: they do not come again.'
  static override examples = ['<%= config.bin %> queue ack ai_results 41 42']
  static override args = {
    queue: Args.string({ description: 'Name of the queue.', required: true }),
    id: Args.string({ description: 'Numbers of messages (message_id).', required: true }),
  }
  static override strict = false

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(QueueAck)
    this.common(flags)
    const ids = (argv as string[]).slice(1)
    const wrong = ids.find((id) => !/^\d{1,15}$/.test(id))
    if (wrong !== undefined)
      throw new SingularityError('USAGE', `"${wrong}" is not the number of a message.`, { hints: [`singularity queue read ${args.queue}`] })
    const done = await (await this.queue()).ack(args.queue, ids.map(Number))
    this.answer(done, `acknowledged ${plural(done.acknowledged, 'message')}`)
  }
}
