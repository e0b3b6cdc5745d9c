import { presentWork } from '../_present/queue-state.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { durationOf } from '../_cli/values.ts'
import { createWorkTeller, exitOfWork, whyEnded } from '../_cli/work.ts'
import { OFFLINE_FLAG, settingsOf } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'

export default class QueueWork extends QueueCommand {
  static override summary = 'Work on what is in the queue until you stop it; Ctrl-C ends after what runs, once more ends at once.'
  static override description =
    'Nothing else starts a worker, and several may run. What one does not finish is taken over by another. Exit 0 whatever became of the requests, unless --fail-on failed; 6 where a newer program owns the queue or the repository is gone.'
  static override examples = [
    '<%= config.bin %> queue work',
    '<%= config.bin %> queue work --drain --fail-on failed',
    '<%= config.bin %> queue work --idle-exit 10m --concurrency 4',
  ]
  static override flags = {
    once: Flags.boolean({ description: 'One job, or none.', exclusive: ['drain', 'idle-exit'], env: 'SINGULARITY_ONCE' }),
    drain: Flags.boolean({ description: 'Until nothing can be worked on now.', exclusive: ['idle-exit'], env: 'SINGULARITY_DRAIN' }),
    'idle-exit': Flags.string({ description: 'Until there was nothing to do for so long.', env: 'SINGULARITY_IDLE_EXIT' }),
    concurrency: Flags.integer({
      description: 'Most jobs at once, of models and of others.',
      default: 16,
      min: 1,
      max: 1000,
      env: 'SINGULARITY_CONCURRENCY',
    }),
    ...OFFLINE_FLAG,
    'fail-on': Flags.option({ options: ['failed'] as const })({ description: 'Exit 1 where a job failed.', env: 'SINGULARITY_FAIL_ON' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(QueueWork)
    this.common(flags)
    const idleExitMs = flags['idle-exit'] === undefined ? undefined : durationOf('idle-exit', flags['idle-exit'])
    const worker = await (await this.app(settingsOf(flags))).worker({ concurrency: flags.concurrency })
    const teller = createWorkTeller(await this.queue(), (line) => this.say(line, flags))
    this.say(`worker ${worker.id}: waiting for work`, flags)
    const report = await this.untilSignal(
      ({ soft, hard }) =>
        worker.run({
          mode: flags.once ? 'once' : flags.drain ? 'drain' : 'forever',
          finish: soft,
          signal: hard,
          ...(idleExitMs !== undefined && { idleExitMs }),
          onEvent: teller.tell,
        }),
      () => this.say('Stopping after what runs; once more stops at once.', flags),
    )
    await teller.end()
    const why = whyEnded(report.end)
    if (why !== null) this.say(why, flags)
    const { end, completed, failed, cancelled, messages } = report
    const released = report.waiting + report.fenced
    const data = { worker: worker.id, ended: end, completed, failed, cancelled, released, messages }
    this.answer(data, presentWork(data), this.exitCodeOf(exitOfWork(end, failed, flags['fail-on'])))
  }
}
