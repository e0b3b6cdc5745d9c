import { oneLine } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import type { CandidateState } from './data.ts'
import { SQL } from './sql.ts'
import { LANDED } from './states.ts'

/** A change whose fate is known. */
export type DecidedChange = {
  id: string
  title: string
  source: { kind: string; id: string }
  outcome: 'landed' | 'not kept'
  /** In words, with what each is about. */
  reasons: string[]
  files: string[]
  /** ms since 1970. */
  at: number
}

type Row = { id: string; title: string; kind: string; source: string; state: CandidateState; reasons: string; files: string; at: string }

/** The latest decided changes of this repository; what still waits is not among them. */
export function readDecided(db: Database, most: number): DecidedChange[] {
  return db.all<Row>(SQL.decided, most).map(({ id, title, kind, source, state, reasons, files, at }) => ({
    id,
    title,
    source: { kind, id: source },
    outcome: LANDED.includes(state) ? 'landed' : 'not kept',
    reasons: (JSON.parse(reasons) as { code: string; detail: string }[]).map(({ code, detail }) =>
      oneLine(`${code.replaceAll('_', ' ')}: ${detail}`),
    ),
    files: JSON.parse(files) as string[],
    at: Date.parse(at),
  }))
}
