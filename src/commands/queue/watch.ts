import { EXIT, SingularityError, jsonLine } from '../../core/kernel/index.ts'
import { eventLine } from '../_present/queue-state.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { Flags } from '../_cli/oclif.ts'
import { exitWith } from '../_cli/present-error.ts'

const MOST = 10_000

export default class QueueWatch extends QueueCommand {
  static override summary = 'Watch requests and workers live; one line per event where no person looks.'
  static override description = 'With --json: what has happened since --after, and it ends. Each event has a number that only grows.'
  static override examples = [
    '<%= config.bin %> queue watch',
    '<%= config.bin %> queue watch --jsonl --after 0',
    '<%= config.bin %> queue watch --json --after 120',
  ]
  static override flags = {
    jsonl: Flags.boolean({ description: 'One JSON object per event.', env: 'SINGULARITY_JSONL' }),
    after: Flags.integer({
      description: 'Begin after the event of this number; left out: with what happens from now on.',
      min: 0,
      env: 'SINGULARITY_AFTER',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(QueueWatch)
    this.common(flags)
    if (flags.json && flags.jsonl) throw new SingularityError('USAGE', '--json and --jsonl cannot be used together.')
    const queue = await this.queue()
    if (this.isJson) return this.answer({ events: await queue.events(flags.after ?? 0, MOST) }, '')
    if (!flags.jsonl && this.mayAsk(flags)) {
      const { openQueueWatch } = await import('../../ui/queue-watch.tsx')
      return exitWith(await openQueueWatch(queue))
    }
    await this.untilSignal(({ soft }) =>
      queue.follow(
        flags.after ?? null,
        (events) => void process.stdout.write(events.map((event) => `${flags.jsonl ? jsonLine(event) : eventLine(event)}\n`).join('')),
        soft,
      ),
    )
    exitWith(this.exitCodeOf(EXIT.sigint))
  }
}
