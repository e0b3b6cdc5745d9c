import type { Logger } from '../telemetry/index.ts'
import type { Attempt, ClaimedJob, Message, NewJob, NewMessage } from './job.ts'

/** What a handler may answer; the worker turns it into a settlement. A handler that throws has failed: one retry, then dead. */
export type JobOutcome = (
  | { to: 'completed'; result: unknown }
  | { to: 'available'; runAt: number; counts: boolean; reason: string; errorMessage?: string }
  | { to: 'dead'; reason: string; errorMessage: string; result?: unknown }
) & { messages?: readonly NewMessage[]; jobs?: readonly NewJob[] }

/** The attempt rows of one claimed job. Each call is durable when it resolves. */
export type AttemptLog = {
  open(attempt: Omit<Attempt, 'n' | 'startedAt'>): Promise<number>
  update(n: number, change: Partial<Omit<Attempt, 'n'>>): Promise<void>
  list(): Promise<Attempt[]>
}

export type JobContext = {
  /** Aborted when the worker stops, the job is cancelled or the lease is lost; `reason` says which. */
  signal: AbortSignal
  attempts: AttemptLog
  log: Logger
  /** Something a person may want to see while it works. */
  onProgress?: (text: string) => void
}

/** The port other rooms register at: who runs jobs of a kind. app.ts collects them. */
export type JobHandler = {
  kind: string
  queue: string
  /** How many of it run at once in one process; unlimited where left out. */
  concurrency?: number
  run(job: ClaimedJob, context: JobContext): Promise<JobOutcome>
}

/**
 * The port of who consumes a named queue: what becomes of a message is written together with its acknowledgement. Where it throws,
 * the message comes again after a while.
 */
export type MessageHandler = {
  queue: string
  take(message: Message): Promise<{ jobs?: readonly NewJob[]; messages?: readonly NewMessage[] }>
}
