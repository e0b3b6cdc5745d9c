import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { Database, SqlValue } from '../../../storage/index.ts'
import type { Attempt, Lease } from '../../job.ts'
import { ATTEMPT_COLUMNS, attemptValue } from './rows.ts'
import { SQL } from './sql.ts'

/** Inside the caller's transaction. @throws STATE_CONFLICT where the claim is somebody else's by now */
export function openAttempt(db: Database, clock: Clock, lease: Lease, attempt: Omit<Attempt, 'n' | 'startedAt'>): number {
  const values: Record<string, SqlValue> = { id: lease.id, token: lease.token, now: clock.now() }
  for (const [name, value] of Object.entries(attempt)) values[name] = attemptValue(value)
  const row = db.get<{ n: number }>(SQL.openAttempt, values)
  if (!row) throw new SingularityError('STATE_CONFLICT', `The claim of ${lease.id} was lost.`)
  return row.n
}

/** What is known now; also after the claim was lost: what a late answer cost has to be told. */
export function updateAttempt(db: Database, id: string, n: number, change: Partial<Omit<Attempt, 'n'>>): void {
  const fields = Object.entries(change).filter(([, value]) => value !== undefined)
  if (fields.length === 0) return
  const columns = fields.map(([name]) => `${ATTEMPT_COLUMNS[name as keyof typeof ATTEMPT_COLUMNS]} = ?`)
  const changed = db.run(
    `UPDATE attempt SET ${columns.join(', ')} WHERE seq = (SELECT seq FROM job WHERE id = ?) AND n = ?`,
    ...fields.map(([, value]) => attemptValue(value)),
    id,
    n,
  )
  if (changed === 0) throw new SingularityError('NOT_FOUND', `${id} has no attempt ${n}.`)
}
