import type { Clock } from '../../kernel/index.ts'
import type { Database } from '../../storage/index.ts'
import type { Account, ModelNotice } from '../account.ts'
import { calibrate } from '../price.ts'
import { SQL } from './sql.ts'

type Learned = Pick<Account, 'bytesPerToken' | 'learnTokens' | 'notices' | 'notice' | 'clearNotice'>

/** What calls have taught about models, for the estimates and the routing of every repository. */
export function createLearned(db: Database, clock: Clock): Learned {
  const known = (model: string): number | undefined => db.get<{ bytes_per_token: number }>(SQL.calibration, model)?.bytes_per_token
  return {
    bytesPerToken: known,
    learnTokens: (model, bytes, inputTokens) =>
      void db.transaction(() => db.run(SQL.putCalibration, model, calibrate(known(model), bytes, inputTokens), clock.now())),
    notices: () =>
      db
        .all<Omit<ModelNotice, 'since'> & { since: number }>(SQL.notices)
        .map((row) => ({ ...row, since: new Date(row.since).toISOString() })),
    notice: (provider, model, reason) => void db.run(SQL.putNotice, provider, model, reason, clock.now()),
    // the usual case costs no write lock
    clearNotice: (provider, model) => db.get(SQL.noticeOf, provider, model) !== undefined && db.run(SQL.clearNotice, provider, model) > 0,
  }
}
