import type { Database } from '../storage/index.ts'
import { SQL } from './sql.ts'

/** How often a model was asked beside each rule, and how often it agreed; by the rule's id. */
export function readRuleRecords(db: Database): Map<string, { agreed: number; trials: number }> {
  const rows = db.all<{ rule: string; agreed: number; trials: number }>(SQL.ruleRecords)
  return new Map(rows.map(({ rule, agreed, trials }) => [rule, { agreed, trials }]))
}
