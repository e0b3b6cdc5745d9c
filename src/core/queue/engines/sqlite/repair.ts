import { type RepairReport, repairDatabase } from '../../../storage/index.ts'
import { QUEUE_APPLICATION_ID, QUEUE_MIGRATIONS } from './migrations.ts'

const LOST = `finished_at = coalesce(finished_at, updated_at), lease_until = NULL, lease_ms = NULL, cancel_reason = NULL`

/** A job without its payload cannot run, and one without its result has not come to anything; a person may retry it. */
const SALVAGED = `
UPDATE job SET state = 'dead', reason = 'payload_lost', ${LOST}
  WHERE finished_at IS NULL AND NOT EXISTS (SELECT 1 FROM job_data WHERE job_data.seq = job.seq);
UPDATE job SET state = 'dead', reason = 'result_lost', ${LOST}
  WHERE state = 'completed' AND NOT EXISTS (SELECT 1 FROM job_result WHERE job_result.seq = job.seq);
`

/** More claims than any job had since a copy was made. */
const CLAIMS_SINCE = 1_000_000

/**
 * What waited on the day of the copy may have been done, and paid for, since: nobody runs it again unasked. Tokens go on where the lost
 * file cannot have been, as claim and reservation are known by them.
 */
const RESTORED = `UPDATE job SET token = token + ${CLAIMS_SINCE};
UPDATE job SET state = 'cancelled', reason = 'restored', ${LOST} WHERE finished_at IS NULL;`

/**
 * Saves what can be read of a damaged queue.db, row by row; where that is nothing, the newest copy.
 * @throws STATE_UNUSABLE where a program has it open
 */
export function repairQueue(path: string, now: number): RepairReport {
  return repairDatabase({
    path,
    now,
    prefer: 'salvage',
    applicationId: QUEUE_APPLICATION_ID,
    migrations: QUEUE_MIGRATIONS,
    finish: (db, how) => {
      for (const sql of (how === 'salvaged' ? SALVAGED : RESTORED).split(';').filter((each) => each.trim() !== '')) db.run(sql)
    },
  })
}
