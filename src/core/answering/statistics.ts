import type { Database } from '../storage/index.ts'
import { type SemanticState, semanticStates } from './semantic.ts'
import { SQL } from './sql.ts'

export type TierStatistics = {
  tier: 'rule' | 'exact' | 'semantic' | 'llm'
  answers: number
  /** Share of all answers, 0 to 1. */
  share: number
  /** From question to answer. */
  p50_ms: number | null
  p95_ms: number | null
  /** The tier's own work: matching a rule, looking up an answer, comparing questions; for models the tiers before them. */
  lookup_p50_ms: number | null
  lookup_p95_ms: number | null
  /** What it waited for: the repository a rule read, the vectors of a question. */
  read_p50_ms: number | null
  read_p95_ms: number | null
  cost_nusd: number
  saved_nusd: number
}

export type CacheStatistics = {
  answers: number
  /** Share of answers no model was asked for; the seeds hoped for 0.9. */
  without_llm: number | null
  tiers: TierStatistics[]
  /** Why nearly the same questions were not answered alike. */
  misses: { gate: string; n: number }[]
  semantic: SemanticState[]
  entries: number
  quarantined: number
  spent_nusd: number
  /** What the answers cost that were given again; an audit saves nothing. */
  saved_nusd: number
}

export type Suspect = {
  id: string
  at: string
  task_type: string
  prompt: string
  entry_prompt: string | null
  similarity: number
  /** `wrong`: an audit of the same entry disagreed; `untrusted`: hits of this task type are no longer good enough. */
  reason: 'wrong' | 'untrusted'
}

const TIERS = [
  ['rule', 'rule', null],
  ['exact', 'cache', 'exact'],
  ['semantic', 'cache', 'semantic'],
  ['llm', 'llm', null],
] as const

type SplitRow = { source: string; tier: string | null; n: number; cost: number; saved: number }
type TimesRow = { latency_us: number; lookup_us: number | null; read_us: number | null }
type SuspectRow = {
  id: string
  at: number
  task_type: string
  prompt: string
  similarity: number
  entry_prompt: string | null
  wrong: number
}

/** What was measured, never what was hoped for. */
export function readStatistics(db: Database): CacheStatistics {
  const rows = db.all<SplitRow>(SQL.split)
  const answers = rows.reduce((sum, row) => sum + row.n, 0)
  const tiers = TIERS.map(([name, source, tier]): TierStatistics => {
    const row = rows.find((each) => each.source === source && each.tier === tier)
    const times = row ? db.all<TimesRow>(SQL.latencies, source, tier) : []
    const at = (of: keyof TimesRow, share: number): number | null => {
      const sorted = times.flatMap((each) => each[of] ?? []).sort((a, b) => a - b)
      const time = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
      return time === undefined ? null : time / 1000
    }
    return {
      tier: name,
      answers: row?.n ?? 0,
      share: answers === 0 ? 0 : (row?.n ?? 0) / answers,
      p50_ms: at('latency_us', 0.5),
      p95_ms: at('latency_us', 0.95),
      lookup_p50_ms: at('lookup_us', 0.5),
      lookup_p95_ms: at('lookup_us', 0.95),
      read_p50_ms: at('read_us', 0.5),
      read_p95_ms: at('read_us', 0.95),
      cost_nusd: row?.cost ?? 0,
      saved_nusd: row?.saved ?? 0,
    }
  })
  const entries = db.get<{ n: number; quarantined: number }>(SQL.entries) ?? { n: 0, quarantined: 0 }
  return {
    answers,
    without_llm: answers === 0 ? null : 1 - tiers[3]!.share,
    tiers,
    misses: db.all<{ gate: string; n: number }>(SQL.misses),
    semantic: semanticStates(db),
    entries: entries.n,
    quarantined: entries.quarantined,
    spent_nusd: tiers.reduce((sum, each) => sum + each.cost_nusd, 0),
    saved_nusd: tiers.reduce((sum, each) => sum + each.saved_nusd, 0),
  }
}

/** Answers the semantic tier gave out that may be wrong, as far as is known by now. */
export function readSuspects(db: Database): Suspect[] {
  const shadow = new Set(
    semanticStates(db)
      .filter(({ state }) => state === 'shadow')
      .map((each) => each.task_type),
  )
  return db.all<SuspectRow>(SQL.suspects).flatMap(({ at, wrong, ...row }) => {
    const reason = wrong === 1 ? ('wrong' as const) : shadow.has(row.task_type) ? ('untrusted' as const) : null
    return reason === null
      ? []
      : [
          {
            id: row.id,
            at: new Date(at).toISOString(),
            task_type: row.task_type,
            prompt: row.prompt,
            entry_prompt: row.entry_prompt,
            similarity: row.similarity,
            reason,
          },
        ]
  })
}

/** Forgets cached answers, of one task type or (null) all; answers how many. */
export function clearEntries(db: Database, taskType: string | null, { dryRun }: { dryRun: boolean }): number {
  return dryRun ? (db.get<{ n: number }>(SQL.clearable, taskType)?.n ?? 0) : db.run(SQL.clear, taskType)
}
