import { LLM_QUEUE } from '../../core/queue/index.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueuePause extends QueueCommand {
  static override summary = 'Take nothing more from a queue; what runs goes on.'
  static override examples = ['<%= config.bin %> queue pause', '<%= config.bin %> queue pause validation']
  static override args = { queue: Args.string({ description: 'Name of a queue, or of a kind of job.', default: LLM_QUEUE }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueuePause)
    this.common(flags)
    const state = await (await this.queue()).setPaused(args.queue, true)
    this.answer(state, `paused ${state.queue}`)
  }
}
