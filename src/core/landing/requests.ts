import type { Git, Identity } from '../git/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { ProcessInfo } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import type { Begin, Operation, Outcome, Settle } from './journal.ts'
import type { Trailers } from './message.ts'

export type Refusal =
  /** Uncommitted work in the way; nothing was changed. */
  | { status: 'dirty'; paths: string[] }
  /** An operation, a lock or another landing is in progress; try again later. */
  | { status: 'busy'; reason: string }
  /** The repository signs its commits and signing did not work. */
  | { status: 'unsigned'; reason: string }
  /** The branch already has (or no longer has) what this would do. */
  | { status: 'unchanged'; reason: string }
  /** `dryRun`: everything was checked, nothing was written. */
  | { status: 'ready'; tree: string; onto: string; message: string; paths: string[] }

export type LandResult =
  | { status: 'landed'; commit: string }
  | { status: 'conflict'; paths: string[] }
  /** What would land is not what was validated: validate `tree` (on top of `onto`), then pass it as `validatedTree`. */
  | { status: 'revalidate'; tree: string; onto: string }
  | Refusal
export type UndoResult = { status: 'undone'; commit: string } | { status: 'undo_conflict'; paths: string[] } | Refusal

export type Authorship = { author?: Identity; committer?: Identity; sign: boolean; dryRun?: boolean }

export type LandRequest = Authorship & {
  candidateId: string
  /** The candidate's commit and the commit whose tree it changed. */
  commit: string
  base: string
  /** Full name, e.g. 'refs/heads/main'. */
  targetRef: string
  /** Where to create `targetRef` if it does not exist. */
  createAt?: string
  message: string
  trailers?: Trailers
  validatedTree: string
}

export type UndoRequest = Authorship & {
  candidateId: string
  landedCommit: string
  targetRef: string
  message?: string
  trailers?: Trailers
}

export type Recovered = { operation: Operation; outcome: Outcome; detail: string | null }

export type Landing = {
  land(request: LandRequest): Promise<LandResult>
  undo(request: UndoRequest): Promise<UndoResult>
  /** Finishes what a killed process left; call at every start. One indexed query when there is nothing to do. */
  recover(): Promise<Recovered[]>
  keepCandidate(candidateId: string, commit: string): Promise<void>
  dropCandidate(candidateId: string): Promise<void>
  /** Drops candidate refs whose commit is older than `before` (milliseconds since 1970), but for `keep`; answers the ids. */
  dropCandidateRefs(before: number, keep: ReadonlySet<string>): Promise<string[]>
}

export type LandingDeps = {
  git: Git
  db: Database
  clock: Clock
  processInfo: ProcessInfo
  /** Called in the transaction that closes an operation, so that the candidate's state moves with it. */
  settle: Settle
  /** Called in the transaction that opens an operation. */
  begin?: Begin
}
