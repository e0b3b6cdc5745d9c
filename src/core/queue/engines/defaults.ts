import { SingularityError, parseJson } from '../../kernel/index.ts'
import type { Job, NewJob } from '../job.ts'

/** A row written later than this by our clock was written by one that is ahead of it. */
export const CLOCK_SLACK_MS = 1000

export const DEFAULT_PRIORITY = 5
/** One call and three retries. */
export const DEFAULT_MAX_ATTEMPTS = 4

type Given = Pick<
  Job,
  | 'priority'
  | 'maxAttempts'
  | 'uniqueKey'
  | 'group'
  | 'parentId'
  | 'agentId'
  | 'taskType'
  | 'complexity'
  | 'paid'
  | 'lifetime'
  | 'deadlineAt'
>

/** What a new job is where nothing is said; every engine starts from it. */
export function withDefaults(job: NewJob): Given {
  return {
    priority: job.priority ?? DEFAULT_PRIORITY,
    maxAttempts: job.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    uniqueKey: job.uniqueKey ?? null,
    group: job.group ?? null,
    parentId: job.parentId ?? null,
    agentId: job.agentId ?? 'cli',
    taskType: job.taskType ?? job.kind,
    complexity: job.complexity ?? 'medium',
    paid: job.paid ?? false,
    lifetime: job.lifetime ?? 'durable',
    deadlineAt: job.deadlineAt ?? null,
  }
}

/** @throws REQUEST_INVALID: what other programs read in a queue is JSON */
export function demandJson(text: string, what: string): void {
  if (parseJson(text) === undefined) throw new SingularityError('REQUEST_INVALID', `${what} is not JSON.`)
}
