import { LLM_QUEUE } from '../../core/queue/index.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueResume extends QueueCommand {
  static override summary = 'Go on with a queue that is paused.'
  static override examples = ['<%= config.bin %> queue resume', '<%= config.bin %> queue resume validation']
  static override args = { queue: Args.string({ description: 'Name of a queue, or of a kind of job.', default: LLM_QUEUE }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueResume)
    this.common(flags)
    const state = await (await this.queue()).setPaused(args.queue, false)
    this.answer(state, `resumed ${state.queue}`)
  }
}
