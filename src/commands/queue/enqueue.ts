import { QueueCommand } from '../_cli/queue.ts'
import { readText } from '../_cli/values.ts'
import { Args, Flags } from '../_cli/oclif.ts'

export default class QueueEnqueue extends QueueCommand {
  static override summary = 'Put requests to models into the queue; prints one id per line.'
  static override description =
    'One JSON object, or one per line: either all are taken or none. Required are task_type and messages; an id that is sent again with the same content is the same request. A worker answers them.'
  static override examples = [
    '<%= config.bin %> queue enqueue request.json',
    `echo '{"task_type":"review","messages":[{"role":"user","content":"Is 7 prime?"}]}' | <%= config.bin %> queue enqueue -`,
    '<%= config.bin %> queue await $(<%= config.bin %> queue enqueue requests.jsonl)',
  ]
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Only check the requests; nothing is queued.', env: 'SINGULARITY_DRY_RUN' }),
  }
  static override args = { file: Args.string({ description: 'File with the requests; - reads standard input.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueEnqueue)
    this.common(flags)
    const text = await readText(args.file)
    const answer = await (await this.queue()).enqueue(text, { dryRun: flags['dry-run'] })
    if (!flags['dry-run']) this.sayIfNobodyWorks(answer.workers, flags)
    this.answer(answer, answer.requests.map(({ id }) => id).join('\n'))
  }
}
