import { presentResponses } from '../_present/queue.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { durationOf } from '../_cli/values.ts'
import { Args, Flags } from '../_cli/oclif.ts'

export default class QueueAwait extends QueueCommand {
  static override summary = 'Wait for the answers to requests.'
  static override description =
    'When the time is up nothing is cancelled (exit 5). The exit code tells how a request failed: 7 no provider or no usable answer, 5 a limit, 2 the request is wrong, 1 refused or cancelled.'
  static override examples = [
    '<%= config.bin %> queue await 0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e10',
    '<%= config.bin %> queue await 0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e10 --timeout 5m --json',
  ]
  static override args = { id: Args.string({ description: 'Ids of requests.', required: true }) }
  static override strict = false
  static override flags = {
    timeout: Flags.string({ description: 'Longest time to wait.', default: '30s', env: 'SINGULARITY_TIMEOUT' }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(QueueAwait)
    this.common(flags)
    const timeoutMs = durationOf('timeout', flags.timeout)
    const queue = await this.queue()
    if (await queue.someOpen(argv as string[])) this.sayIfNobodyWorks(await queue.liveWorkers(), flags)
    const { responses, exitCode, waiting } = await this.untilSignal(({ soft }) =>
      queue.await(argv as string[], { timeoutMs, signal: soft }),
    )
    if (waiting.length > 0) this.say(`Not answered in time, they go on: ${waiting.join(' ')}`, flags)
    this.answer({ responses }, presentResponses(responses), exitCode)
  }
}
