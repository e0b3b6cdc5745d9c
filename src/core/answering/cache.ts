import { type Clock, SingularityError, digest } from '../kernel/index.ts'
import type { LlmRequest, StoredResult } from '../llm/index.ts'
import { type Database, isBusy, openDatabase, removeDatabase } from '../storage/index.ts'
import { redactText } from '../telemetry/index.ts'
import type { AnswerSource } from './answer.ts'
import { type KeyContext, exactKey, isCacheable, partitionOf } from './exact-key.ts'
import { CACHE_APPLICATION_ID, CACHE_MIGRATIONS, SQL } from './sql.ts'

/** Waiting longer for a copy of an answer than a person notices makes no sense. */
const WAIT_MS = 1000
const DAY_MS = 86_400_000
/** Answers about code age with the code; the fingerprints of the files catch the rest. */
const TTL_MS = 30 * DAY_MS
const KEEP_SERVED_MS = 90 * DAY_MS
const LONGEST_PROMPT = 2_000

export type CachedEntry = { id: number; result: StoredResult; costNusd: number; createdAt: number }

/** One answer that was given, whoever knew it. */
export type Served = {
  id: string
  taskType: string
  prompt: string
  source: AnswerSource
  tier: 'exact' | 'semantic' | null
  entry: number | null
  rule: string | null
  similarity: number | null
  missGate: string | null
  latencyMs: number
  /** The tier's own work: matching, looking up, comparing. null: not measured, the answer was somebody else's. */
  lookupMs: number | null
  /** What it had to wait for: the repository that was read, or the vectors of a question. */
  readMs: number | null
  costNusd: number
  savedNusd: number
}

type EntryRow = { id: number; result: string; cost_nusd: number; created_at: number }

export type AnswerCache = ReturnType<typeof createAnswerCache>

/**
 * Opens cache.db. It is disposable: a damaged file is made anew, and next to a newer program, or one that holds it for too long, we work
 * without it (undefined).
 * @throws DISK_FULL, READ_ONLY
 */
export function openCacheFile(path: string): Database | undefined {
  const open = (): Database =>
    openDatabase({ path, applicationId: CACHE_APPLICATION_ID, migrations: CACHE_MIGRATIONS, busyTimeoutMs: WAIT_MS, patienceMs: WAIT_MS })
  try {
    return open()
  } catch (error) {
    if (!SingularityError.isInstance(error)) throw error
    if (error.code === 'STATE_NEWER' || isBusy(error)) return undefined
    if (error.code !== 'STATE_UNUSABLE') throw error
    removeDatabase(path)
    return open()
  }
}

/** Whether an answer may be given a second time: whole, not refused, of the asked form. */
export function isKeepable(result: StoredResult): boolean {
  return result.stop === 'end' && result.response.trim() !== '' && (result.validation_errors?.length ?? 0) === 0
}

/** The words of a prompt for lists a person reads and gates compare: without credentials, never more than a screen. */
export function shortPrompt(prompt: string): string {
  return redactText(prompt).slice(0, LONGEST_PROMPT)
}

export type Embedding = { vector: Float32Array; embedder: string; threshold: number }

/** What was answered before, what was served from it, and how often learned rules were right. */
export function createAnswerCache({ db, clock, ttlMs = TTL_MS }: { db: Database; clock: Clock; ttlMs?: number }) {
  const toEntry = (row: EntryRow): CachedEntry => ({
    id: row.id,
    result: JSON.parse(row.result) as StoredResult,
    costNusd: row.cost_nusd,
    createdAt: row.created_at,
  })

  return {
    db,

    find(request: LlmRequest, context: KeyContext): CachedEntry | undefined {
      if (!isCacheable(request)) return undefined
      const row = db.get<EntryRow>(SQL.byKey, exactKey(request, context), clock.now())
      return row && toEntry(row)
    },

    /** Keeps an answer; also one that came too late to be used. False where it must not be given again. */
    put(request: LlmRequest, context: KeyContext, result: StoredResult, prompt: string, embedding: Embedding | null = null): boolean {
      if (!isCacheable(request) || !isKeepable(result)) return false
      const now = clock.now()
      const blob = embedding && new Uint8Array(embedding.vector.buffer, embedding.vector.byteOffset, embedding.vector.byteLength)
      db.transaction(() => {
        db.run(
          SQL.put,
          exactKey(request, context),
          digest(partitionOf(request, context)),
          request.task_type,
          shortPrompt(prompt),
          JSON.stringify({ ...result, cached: false }),
          blob,
          embedding?.embedder ?? null,
          result.repaired ? 0 : 1,
          result.cost_nusd,
          embedding?.threshold ?? 1,
          now,
          now + ttlMs,
        )
        db.run(SQL.expired, now)
        db.run(SQL.oldServed, now - KEEP_SERVED_MS)
      })
      return true
    },

    recordServed(served: Served): void {
      const { id, taskType, prompt, source, tier, entry, rule, similarity, missGate } = served
      const times = [served.latencyMs, served.lookupMs, served.readMs].map((ms) =>
        ms === null ? null : Math.max(0, Math.round(ms * 1000)),
      )
      const money = [served.costNusd, served.savedNusd] as const
      db.run(
        SQL.served,
        id,
        clock.now(),
        taskType,
        shortPrompt(prompt),
        source,
        tier,
        entry,
        rule,
        similarity,
        missGate,
        ...times,
        ...money,
      )
    },

    ruleRecord(rule: string): { agreed: number; trials: number } {
      return db.get<{ agreed: number; trials: number }>(SQL.ruleRecord, rule) ?? { agreed: 0, trials: 0 }
    },

    judgeRule(rule: string, agreed: boolean): void {
      db.run(SQL.judgeRule, rule, agreed ? 1 : 0)
    },

    close: () => db.close(),
  }
}
