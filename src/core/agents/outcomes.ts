import type { ModelOutcomes } from '../llm/index.ts'
import type { Database } from '../storage/index.ts'
import { SQL } from './sql.ts'
import { EDITING } from './tool-schemas.ts'

type MadeRow = { run: string; landed: number; undone: number; rolledBack: number }

/** What conversations with models came to: their turns by run, the candidates, and how often their edits fitted. `since`: wall-clock ms. */
export function readOutcomes(db: Database, since: number): ModelOutcomes {
  return {
    turns: db.all<{ request: string; run: string }>(SQL.turnRuns),
    candidates: db
      .all<MadeRow>(SQL.madeByModels)
      .map(({ run, ...row }) => ({ run, landed: row.landed === 1, undone: row.undone === 1, rolledBack: row.rolledBack === 1 })),
    edits: db.all<ModelOutcomes['edits'][number]>(SQL.editCalls, new Date(since).toISOString(), JSON.stringify([...EDITING])),
  }
}
