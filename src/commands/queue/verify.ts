import { EXIT, oneLine } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { QueueCommand } from '../_cli/queue.ts'

export default class QueueVerify extends QueueCommand {
  static override summary = 'Check that the queue holds nothing that may never be; exit 1 where it does.'
  static override examples = ['<%= config.bin %> queue verify', '<%= config.bin %> queue verify --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(QueueVerify)
    this.common(flags)
    const found = await (await this.queue()).verify()
    const lines = found.violations.map(({ rule, id, detail }) => `${paint('red', rule)}  ${oneLine(id)}  ${oneLine(detail)}`)
    this.answer(
      found,
      lines.length === 0 ? paint('green', 'all is well') : lines.join('\n'),
      lines.length === 0 ? EXIT.done : EXIT.negative,
    )
  }
}
