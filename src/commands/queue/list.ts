import { presentRequests } from '../_present/queue.ts'
import { QueueCommand } from '../_cli/queue.ts'
import { timeOf } from '../_cli/values.ts'
import { Flags } from '../_cli/oclif.ts'

export default class QueueList extends QueueCommand {
  static override summary = 'List requests, newest first.'
  static override examples = [
    '<%= config.bin %> queue list',
    '<%= config.bin %> queue list --status failed --since 2h',
    '<%= config.bin %> queue list --queue validation',
    '<%= config.bin %> queue list --agent reviewer --limit 500 --json',
  ]
  static override flags = {
    status: Flags.option({ options: ['pending', 'processing', 'completed', 'failed'] as const })({
      description: 'Only those.',
      env: 'SINGULARITY_STATUS',
    }),
    queue: Flags.string({ description: 'Jobs of this queue, or of this kind, instead of requests to models.', env: 'SINGULARITY_QUEUE' }),
    agent: Flags.string({ description: 'Only those of this agent.', env: 'SINGULARITY_AGENT' }),
    task: Flags.string({ description: 'Only those of this task type.', env: 'SINGULARITY_TASK' }),
    since: Flags.string({ description: 'Only those made since then: 2h, 2026-05-01.', env: 'SINGULARITY_SINCE' }),
    limit: Flags.integer({ description: 'How many.', default: 50, min: 1, max: 10_000, env: 'SINGULARITY_LIMIT' }),
    cursor: Flags.string({ description: 'Goes on there (next of the page before).', env: 'SINGULARITY_CURSOR' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(QueueList)
    this.common(flags)
    const queue = await this.queue()
    const { status, agent, task, limit, cursor } = flags
    const page = await queue.list({
      limit,
      ...(flags.queue !== undefined && { queue: flags.queue }),
      ...(status !== undefined && { status }),
      ...(agent !== undefined && { agent }),
      ...(task !== undefined && { task }),
      ...(cursor !== undefined && { cursor }),
      ...(flags.since !== undefined && { since: timeOf('since', flags.since, queue.now()) }),
    })
    this.answer(page, presentRequests(page.requests, page.next, queue.now()))
  }
}
