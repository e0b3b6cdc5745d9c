import { EXIT, type ExitCode, oneLine, strongestExit } from '../../core/kernel/index.ts'
import type { QueueService, WorkerEnd, WorkerOptions } from '../../core/queue/index.ts'
import { type Paint, paint } from './paint.ts'

type WorkEvent = Parameters<NonNullable<WorkerOptions['onEvent']>>[0]

const SHOWN: Readonly<Record<WorkEvent['type'], readonly [Paint, string]>> = {
  claimed: ['dim', 'begun'],
  completed: ['green', 'completed'],
  waiting: ['yellow', 'waits'],
  dead: ['red', 'failed'],
  cancelled: ['yellow', 'cancelled'],
  fenced: ['yellow', 'lost'],
}

/** Tells people what happens to the jobs, a line each; `end` waits for the reasons that are still being read. */
export function createWorkTeller(queue: QueueService, say: (line: string) => void) {
  const reading = new Set<Promise<void>>()
  async function tell({ type, job }: WorkEvent): Promise<void> {
    const [color, word] = SHOWN[type]
    const why = type === 'dead' || type === 'waiting' ? await queue.reasonOf(job.id).catch(() => null) : null
    const line = `${paint(color, word.padEnd(9), process.stderr)}  ${job.id}  ${oneLine(job.taskType)}  ${oneLine(job.agentId)}`
    say(why === null ? line : `${line}  ${oneLine(why)}`)
  }
  return {
    tell(event: WorkEvent): void {
      const told = tell(event).finally(() => reading.delete(told))
      reading.add(told)
    },
    async end(): Promise<void> {
      await Promise.all(reading)
    },
  }
}

const ENDS: Readonly<Partial<Record<WorkerEnd, string>>> = {
  newer: 'The queue was taken over by a newer version of singularity: update this one.',
  gone: 'The queue is gone, and the repository perhaps with it.',
}

/** Why a worker cannot go on; null where it ended as it should. */
export const whyEnded = (end: WorkerEnd): string | null => ENDS[end] ?? null

/** A worker did its work whatever became of the jobs, unless that was asked for. */
export function exitOfWork(end: WorkerEnd, failed: number, failOn: 'failed' | undefined): ExitCode {
  return strongestExit([
    end === 'signal' ? EXIT.sigint : EXIT.done,
    whyEnded(end) === null ? EXIT.done : EXIT.environment,
    failOn === 'failed' && failed > 0 ? EXIT.negative : EXIT.done,
  ])
}
