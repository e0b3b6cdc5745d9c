import { QueueCommand } from '../_cli/queue.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueEnsure extends QueueCommand {
  static override summary = 'Create queues that programs share, where they do not exist yet.'
  static override description = 'Without a name: the ones that exist from the start.'
  static override examples = ['<%= config.bin %> queue ensure', '<%= config.bin %> queue ensure deployments']
  static override args = { queue: Args.string({ description: 'Names of queues.' }) }
  static override strict = false

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(QueueEnsure)
    this.common(flags)
    const ensured = await (await this.queue()).ensure(argv as string[])
    this.answer(ensured, ensured.queues.join('\n'))
  }
}
