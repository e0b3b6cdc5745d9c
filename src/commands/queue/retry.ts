import { statusText } from '../_present/queue.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueRetry extends QueueCommand {
  static override summary = 'Put a request that failed back into the queue.'
  static override examples = ['<%= config.bin %> queue retry 0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e10']
  static override args = { id: Args.string({ description: 'Id of a request.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueRetry)
    this.common(flags)
    const queue = await this.queue()
    const request = await queue.retry(args.id)
    this.sayIfNobodyWorks(await queue.liveWorkers(), flags)
    this.answer(request, `${request.id}  ${statusText(request.status)}`)
  }
}
