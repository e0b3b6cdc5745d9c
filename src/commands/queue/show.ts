import { presentRequest } from '../_present/queue.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueShow extends QueueCommand {
  static override summary = 'Show a request: what was asked, what was answered, what each try cost.'
  static override examples = ['<%= config.bin %> queue show 0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e10']
  static override args = { id: Args.string({ description: 'Id of a request.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueShow)
    this.common(flags)
    const shown = await (await this.queue()).show(args.id)
    this.answer(shown, presentRequest(shown))
  }
}
