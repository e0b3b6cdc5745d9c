import type { Approval, Question } from '../approvals/index.ts'
import type { CandidateData, ImproveData, ImproveOutcome, ImproveRequest, RunEvent, Totals, Watch } from './data.ts'
import type { Patience } from './ask.ts'
import type { JobPlace, JobResult } from './job.ts'
import type { RecoveryReport } from './recover.ts'

export type { RecoveryReport } from './recover.ts'
export type RunSummary = {
  id: string
  started_at: string
  finished_at: string | null
  status: string
  base: string
  branch: string | null
  totals: Totals
}

/** What `show CANDIDATE` prints: the claim, its proof, and what the proof does not say. */
export type CandidateReport = {
  candidate: CandidateData
  /** Names the exact diff; an approval may be bound to it. */
  diff_hash: string | null
  run: RunSummary
  reason: string
  reference: string | null
  exercised_sites: { file: string; line: number; exercised: boolean | null; kept: boolean; reason: string | null }[]
  not_proven: string[]
  approval: Approval | null
  questions: Question[]
  history: { at: string; name: string; detail: string }[]
  landed: { commit: string; branch: string } | null
  undo: string | null
}

/** One page of what waits for a person. */
export type Waiting = {
  candidates: CandidateReport[]
  /** Refused because tests were weakened: only an override with a reason lands them. On the first page only. */
  refused: CandidateReport[]
  questions: Question[]
  /** All that match, on every page. */
  total: number
  /** Asks for the next page; null on the last one. */
  next_cursor: string | null
}

export type WaitingOptions = { limit?: number; cursor?: string; search?: string }

export type Actor = { name: string; via: 'terminal' | 'inbox' | 'yes-flag' | 'trailer' | 'import' | 'command' | 'message' }

/** How an attempt at a job ended: with the result of a run, or by waiting for an answer or another process. */
export type JobEnd = { to: 'ended'; result: JobResult } | { to: 'waits'; reason: string; message: string }

/** The front doors' view of the main job. Ids may be unique prefixes. @throws NOT_FOUND, STATE_CONFLICT */
export type ImprovementService = {
  /** Without `patience` nobody is waited for: what a model asks ends the run with PERSON_NEEDED, and it goes on when it is begun again. */
  improve(
    request: ImproveRequest,
    observe: (event: RunEvent) => void,
    signal: AbortSignal,
    stopSoon: AbortSignal,
    patience?: Patience,
  ): Promise<ImproveOutcome>
  /**
   * Checks a request as a run would, and pins what may change until a worker comes to it: the commit to work from and the branch to
   * land on. @throws what the run itself would be refused by
   */
  prepareJob(request: ImproveRequest): Promise<{ request: ImproveRequest; place: JobPlace }>
  /** One attempt at the run of a job; see `createImproveHandler`. */
  attemptJob(
    job: { id: string; branch: string | null },
    request: ImproveRequest,
    observe: (event: RunEvent) => void,
    signal: AbortSignal,
  ): Promise<JobEnd>
  /** What every first call does by itself: closes what killed processes left open. Answers what was done. */
  recover(): Promise<RecoveryReport>
  /** Runs whose process is gone, without touching them. */
  leftRunning(): Promise<string[]>
  runs(options: { limit: number }): Promise<RunSummary[]>
  /** A run or a candidate. */
  show(id: string): Promise<{ kind: 'run'; data: ImproveData } | { kind: 'candidate'; data: CandidateReport }>
  diff(id: string, options: { color: boolean }): Promise<string>
  /** What waits for a person, newest last; all of it where no limit is given. */
  waiting(options?: WaitingOptions): Promise<Waiting>
  /**
   * Approves and lands. `override` is the reason that lands a candidate whose tests were weakened. `diffHash` is the diff
   * that was looked at, `token` the one-time word of the open request. @throws APPROVAL_VOID when the candidate has another one
   */
  approve(
    id: string,
    actor: Actor,
    options?: { override?: string; into?: string; dryRun?: boolean; diffHash?: string; token?: string; watch?: Watch },
  ): Promise<CandidateData>
  reject(id: string, actor: Actor, reason: string, options?: { diffHash?: string; token?: string }): Promise<CandidateData>
  ask(id: string, actor: Actor, text: string): Promise<Question>
  answer(questionId: string, actor: Actor, text: string): Promise<Question>
  undo(id: string, actor: Actor, options?: { dryRun?: boolean }): Promise<CandidateData>
  /** Lands what was approved meanwhile (trailers of commits, imports, other terminals), expires what is too old. */
  resume(options?: { watch?: Watch }): Promise<{ candidates: CandidateData[] }>
  replay(
    id: string,
    overrides: Readonly<Record<string, string>>,
  ): Promise<{
    ok: boolean
    problems: string[]
    verdicts: {
      id: string
      title: string
      recorded: string | null
      now: string | null
      changed: boolean
      reasons: { code: string; detail: string }[]
    }[]
  }>
  exportRun(id: string, directory: string): Promise<{ directory: string; files: string[] }>
  /** `asked_again`: candidates that somebody approved in the other clone and that wait for a yes here. */
  importRun(
    directory: string,
    options: { trustApprovals: boolean },
  ): Promise<{ run: string; candidates: CandidateData[]; asked_again: string[] }>
  why(
    file: string,
    line: number,
  ): Promise<{
    file: string
    line: number
    commit: string
    candidate: CandidateReport | null
    trailers: Record<string, string>
    text: string
  }>
}
