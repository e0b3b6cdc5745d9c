import { presentWorkers } from '../_present/queue-state.ts'
import { QueueCommand } from '../_cli/queue.ts'

export default class QueueWorkers extends QueueCommand {
  static override summary = 'List the workers that are running.'
  static override examples = ['<%= config.bin %> queue workers', '<%= config.bin %> queue workers --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(QueueWorkers)
    this.common(flags)
    const found = await (await this.queue()).workers()
    this.answer(found, presentWorkers(found.workers))
  }
}
