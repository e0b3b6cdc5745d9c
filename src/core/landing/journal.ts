import { isoTime, newId, type Clock } from '../kernel/index.ts'
import type { ProcessIdentity, ProcessInfo } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import { SQL } from './sql.ts'

/** One path an operation changes; null oids mean that the file is not there. */
export type JournalPath = { path: string; oldMode: string; oldOid: string | null; newMode: string; newOid: string | null }

export type Operation = {
  id: string
  candidateId: string
  kind: 'land' | 'undo'
  targetRef: string
  /** null: the branch did not exist. */
  oldOid: string | null
  newOid: string
  /** The working tree that has the branch checked out, with its git directory; null where none has. */
  checkout: { path: string; gitDir: string } | null
  paths: readonly JournalPath[]
  locks: readonly string[]
  owner: ProcessIdentity
}

export type Outcome = 'landed' | 'undone' | 'rolled_back' | 'needs_attention'

/** Called inside the transaction that opens or closes the operation's row; must be synchronous. */
export type Settle = (operation: Operation, outcome: Outcome, detail: string | null) => void
export type Begin = (operation: Operation) => void

export type Journal = {
  newOperationId(): string
  open(operation: Omit<Operation, 'owner'>): Operation
  close(operation: Operation, outcome: Outcome, detail: string | null): void
  pending(): Operation[]
  /** False while a living process (this one included) holds the lease. */
  acquire(owner: string): boolean
  release(owner: string): void
}

type OperationRow = {
  id: string
  candidate_id: string
  kind: 'land' | 'undo'
  target_ref: string
  old_oid: string
  new_oid: string
  checkout_path: string | null
  paths: string
  locks: string
  detail: string | null
  pid: number
  pid_start: string
  boot_id: string
}
type LeaseRow = { owner: string; pid: number; pid_start: string; boot_id: string }

const LEASE = 'landing'
const STATE_OF: Record<Outcome, string> = { landed: 'done', undone: 'done', rolled_back: 'rolled_back', needs_attention: 'needs_attention' }

export function createJournal(deps: { db: Database; clock: Clock; processInfo: ProcessInfo; settle: Settle; begin?: Begin }): Journal {
  const { db, clock, processInfo } = deps
  return {
    newOperationId: () => newId('o', clock),
    open(draft) {
      const operation: Operation = { ...draft, owner: processInfo.self }
      const { pid, pidStart, bootId } = operation.owner
      db.transaction(() => {
        db.run(
          SQL.insertOperation,
          operation.id,
          operation.candidateId,
          operation.kind,
          operation.targetRef,
          operation.oldOid ?? '',
          operation.newOid,
          operation.checkout?.path ?? null,
          JSON.stringify(operation.paths),
          JSON.stringify(operation.locks),
          operation.checkout?.gitDir ?? null,
          pid,
          pidStart,
          bootId,
          isoTime(clock),
        )
        deps.begin?.(operation)
      })
      return operation
    },
    close(operation, outcome, detail) {
      db.transaction(() => {
        const changed = db.run(SQL.closeOperation, STATE_OF[outcome], detail, isoTime(clock), operation.id)
        // A second recovery of the same row must not settle twice.
        if (changed === 1) deps.settle(operation, outcome, detail)
      })
    },
    pending: () => db.all<OperationRow>(SQL.openOperations).map(parse),
    acquire: (owner) =>
      db.transaction(() => {
        const row = db.get<LeaseRow>(SQL.lease, LEASE)
        if (row && processInfo.isAlive({ pid: row.pid, pidStart: row.pid_start, bootId: row.boot_id })) return false
        const { pid, pidStart, bootId } = processInfo.self
        db.run(SQL.takeLease, LEASE, owner, pid, pidStart, bootId, isoTime(clock))
        return true
      }),
    release: (owner) => void db.run(SQL.dropLease, LEASE, owner),
  }
}

function parse(row: OperationRow): Operation {
  return {
    id: row.id,
    candidateId: row.candidate_id,
    kind: row.kind,
    targetRef: row.target_ref,
    oldOid: row.old_oid === '' ? null : row.old_oid,
    newOid: row.new_oid,
    // While a row is open `detail` holds the git directory of the checkout; closing it puts the reason there.
    checkout: row.checkout_path !== null && row.detail !== null ? { path: row.checkout_path, gitDir: row.detail } : null,
    paths: JSON.parse(row.paths) as JournalPath[],
    locks: JSON.parse(row.locks) as string[],
    owner: { pid: row.pid, pidStart: row.pid_start, bootId: row.boot_id },
  }
}
