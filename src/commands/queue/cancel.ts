import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueCancel extends QueueCommand {
  static override summary = 'Cancel a request; one that is being worked on is asked to stop.'
  static override examples = ['<%= config.bin %> queue cancel 0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e10']
  static override args = { id: Args.string({ description: 'Id of a request.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueCancel)
    this.common(flags)
    const request = await (await this.queue()).cancel(args.id)
    this.answer(request, `${request.id}  ${request.status === 'failed' ? 'cancelled' : 'asked to stop'}`)
  }
}
