import type { Clock } from '../../../kernel/index.ts'
import type { Database } from '../../../storage/index.ts'
import { SQL } from './sql.ts'

/**
 * Publishes what came of jobs that have just ended, as the view `job_results` tells it; inside the transaction that ended them and
 * after their results were written.
 */
export function reportEnds(db: Database, clock: Clock, seqs: readonly number[]): void {
  if (seqs.length > 0) db.run(SQL.reportEnds, { seqs: JSON.stringify(seqs), now: clock.now() })
}
