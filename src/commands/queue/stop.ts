import { plural } from '../../core/kernel/index.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueStop extends QueueCommand {
  static override summary = 'Ask workers to end after what they are doing.'
  static override examples = ['<%= config.bin %> queue stop', '<%= config.bin %> queue stop 0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e10']
  static override args = { id: Args.string({ description: 'Id of a worker; all of them where it is left out.' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueStop)
    this.common(flags)
    const stopped = await (await this.queue()).stop(args.id ?? null)
    this.answer(stopped, `asked ${plural(stopped.asked, 'worker')} to stop`)
  }
}
