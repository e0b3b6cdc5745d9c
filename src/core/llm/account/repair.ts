import { type RepairReport, repairDatabase } from '../../storage/index.ts'
import { ACCOUNT_APPLICATION_ID, ACCOUNT_MIGRATIONS, MEND } from './sql.ts'

/**
 * Saves what can be read of a damaged ledger, row by row; where that is nothing, the newest copy. What was spent is not known for certain
 * then, so that nothing is paid for before a person has looked (`Account.confirm`).
 * @throws STATE_UNUSABLE where a program has it open
 */
export function repairLedger(path: string, now: number): RepairReport {
  return repairDatabase({
    path,
    now,
    prefer: 'salvage',
    applicationId: ACCOUNT_APPLICATION_ID,
    migrations: ACCOUNT_MIGRATIONS,
    onShared: 'refuse',
    finish: (db, how) =>
      db.transaction(() => {
        // no sum is lower than its rows say, and what only the sum knows gets a row
        db.run(MEND.raiseSums)
        db.run(MEND.setReserved)
        db.run(MEND.rowsForSums, now)
        const date = new Date(now).toISOString()
        const told = { salvaged: 'only in part', restored: 'up to the day of a copy', new: 'nothing' }[how]
        db.run(MEND.doubt, now, now, `the ledger was damaged and mended at ${date}; of what was spent before, ${told} is known`)
      }),
  })
}
