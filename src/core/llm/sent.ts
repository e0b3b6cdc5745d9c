import { type Clock, isoTime } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import { SENT_SQL as SQL } from './sent-sql.ts'

/** What of this repository went to one host for one model: sums over all calls. */
export type SentText = {
  host: string
  model: string
  purpose: 'index' | 'query'
  pieces: number
  bytes: number
  first_at: string
  last_at: string
}

export type SentRecord = ReturnType<typeof createSentRecord>

const consentTo = (host: string): string => `embedding.send ${host}`

/** Who may get pieces of this repository, and what they got. It outlives the index: what was sent cannot be taken back. */
export function createSentRecord({ db, clock }: { db: Database; clock: Clock }) {
  return {
    hasConsent: (host: string): boolean => db.get(SQL.consent, consentTo(host)) !== undefined,
    grantConsent: (host: string, by: string): boolean => db.run(SQL.grant, consentTo(host), by, isoTime(clock)) > 0,
    revokeConsent: (host: string): boolean => db.run(SQL.revoke, consentTo(host)) > 0,
    /** Written before the call: a killed process has sent what it was about to send. */
    add(entry: Pick<SentText, 'host' | 'model' | 'purpose' | 'pieces' | 'bytes'>): void {
      db.run(SQL.add, { ...entry, at: isoTime(clock) })
    },
    list: (): SentText[] => db.all<SentText>(SQL.list),
  }
}
