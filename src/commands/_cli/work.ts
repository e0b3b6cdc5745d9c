import { EXIT, type ExitCode, oneLine, strongestExit } from '../../core/kernel/index.ts'
import type { WorkerEnd, WorkerOptions } from '../../core/queue/index.ts'
import { type Paint, paint } from './paint.ts'

type WorkEvent = Parameters<NonNullable<WorkerOptions['onEvent']>>[0]

const COLOR: Readonly<Record<WorkEvent['type'], Paint>> = {
  claimed: 'dim',
  completed: 'green',
  waiting: 'yellow',
  dead: 'red',
  cancelled: 'yellow',
  fenced: 'yellow',
}
const WORD: Readonly<Record<WorkEvent['type'], string>> = {
  claimed: 'begun',
  completed: 'completed',
  waiting: 'waits',
  dead: 'failed',
  cancelled: 'cancelled',
  fenced: 'lost',
}

/** One line for people on stderr: what happened to which job. */
export function tellWork({ type, job }: WorkEvent): string {
  return `${paint(COLOR[type], WORD[type].padEnd(9), process.stderr)}  ${job.id}  ${oneLine(job.taskType)}  ${oneLine(job.agentId)}`
}

/** A worker did its work whatever became of the jobs, unless that was asked for. */
export function exitOfWork(end: WorkerEnd, failed: number, failOn: 'failed' | undefined): ExitCode {
  return strongestExit([
    end === 'signal' ? EXIT.sigint : EXIT.done,
    end === 'newer' || end === 'gone' ? EXIT.environment : EXIT.done,
    failOn === 'failed' && failed > 0 ? EXIT.negative : EXIT.done,
  ])
}
