import { canonicalJson, digest, type Clock } from '../kernel/index.ts'
import type { Embedder, LlmRequest, StoredResult } from '../llm/index.ts'
import type { Database } from '../storage/index.ts'
import { clopperPearsonUpper } from '../validation/index.ts'
import { type Embedding, shortPrompt } from './cache.ts'
import { type KeyContext, normaliseText, partitionOf } from './exact-key.ts'
import { type Gate, refusingGate } from './gates.ts'
import type { Lexicon } from './lexicon.ts'
import { type Meaning, meaningOf } from './meaning.ts'
import { SQL } from './sql.ts'

/** The seeds' similarity; entries that were wrong once demand more. */
export const SIMILARITY = 0.95
/** Live only while at most so many answers are wrong, as far as 95 % of the doubt allows. */
export const WRONG_SHARE = 0.01
/** How many live hits are checked against a model all the same. */
export const AUDIT_SHARE = 0.05
/** However seldom a kind of task is asked for: who would notice otherwise that its answers went wrong? */
export const AUDITS_A_WEEK = 20
const WEEK_MS = 7 * 86_400_000
/** Of the newest audits of a task type: old ones say little of today's cache. */
const AUDIT_WINDOW = 2_000
const CANDIDATES = 5
const ABOVE_WRONG = 0.005

export type SemanticState = {
  task_type: string
  state: 'shadow' | 'live'
  audits: number
  wrong: number
  /** Upper bound of the share of wrong hits, one-sided 95 %. */
  bound: number
  /** Further audits without an error until it is live; 0 where it is. */
  needed: number
}

export type SemanticHit = { entry: number; result: StoredResult; similarity: number; costNusd: number }
/** `readMs`: waiting for whoever makes the vectors. */
export type Lookup = { embedding: Embedding | null; hit: SemanticHit | null; missGate: Gate | null; readMs: number }

type CandidateRow = {
  id: number
  prompt: string
  result: string
  embedding: Uint8Array
  validated: number
  cost_nusd: number
  threshold: number
  quarantined: number
}

/** `mayServe` false: shadow for every kind of task, whatever the audits say. */
export type SemanticDeps = { db: Database; clock: Clock; embedder: Embedder; lexicon: Lexicon; random: () => number; mayServe?: boolean }
export type SemanticTier = ReturnType<typeof createSemanticTier>

/** What the audits of a task type say; the newest first, true for right. */
export function judgeAudits(taskType: string, right: readonly boolean[]): SemanticState {
  const audits = right.length
  const wrong = right.filter((each) => !each).length
  const bound = clopperPearsonUpper(wrong, audits)
  const live = bound <= WRONG_SHARE
  let needed = 0
  if (!live) {
    // by doubling, then by halving: the bound falls with every audit that agrees
    let [low, high] = [0, 299]
    while (clopperPearsonUpper(wrong, audits + high) > WRONG_SHARE) [low, high] = [high, high * 2]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (clopperPearsonUpper(wrong, audits + middle) > WRONG_SHARE) low = middle
      else high = middle
    }
    needed = high
  }
  return { task_type: taskType, state: live ? 'live' : 'shadow', audits, wrong, bound, needed }
}

/** The states of all task types that were ever audited. */
export function semanticStates(db: Database): SemanticState[] {
  return db.all<{ task_type: string }>(SQL.auditedTasks).map(({ task_type: taskType }) => stateOf(db, taskType))
}

function stateOf(db: Database, taskType: string): SemanticState {
  const rows = db.all<{ right: number }>(SQL.auditsOf, taskType, AUDIT_WINDOW)
  return judgeAudits(
    taskType,
    rows.map(({ right }) => right === 1),
  )
}

/** Whether two answers say the same: by value where they are JSON, else by their words. Prose seldom agrees, so it stays in shadow. */
export function sameAnswer(a: StoredResult, b: StoredResult): { right: boolean; comparator: 'json' | 'words' } {
  if (a.parsed_response !== null && b.parsed_response !== null)
    return { right: canonicalJson(a.parsed_response) === canonicalJson(b.parsed_response), comparator: 'json' }
  return { right: normaliseText(a.response).toLowerCase() === normaliseText(b.response).toLowerCase(), comparator: 'words' }
}

/**
 * Answers to nearly the same question. Every candidate passes all gates or is a miss. A task type starts in shadow: hits are looked up and
 * compared with what the model then says, never served; it is live only while the audits bound the wrong ones, and falls back by itself.
 */
export function createSemanticTier({ db, clock, embedder, lexicon, random, mayServe = true }: SemanticDeps) {
  return {
    embedder,
    state: (taskType: string): SemanticState => stateOf(db, taskType),

    /** Whether this hit may be given out; a share of them is checked instead, and the first ones of a week. */
    mayServe(taskType: string): boolean {
      if (!mayServe || !embedder.mayAnswer || stateOf(db, taskType).state !== 'live') return false
      const { n } = db.get<{ n: number }>(SQL.auditsSince, taskType, clock.now() - WEEK_MS) ?? { n: 0 }
      return n >= AUDITS_A_WEEK && random() >= AUDIT_SHARE
    },

    async lookup(request: LlmRequest, context: KeyContext, prompt: string, signal?: AbortSignal): Promise<Lookup> {
      // what is kept shortened or without its credentials cannot be compared
      if (shortPrompt(prompt) !== prompt) return { embedding: null, hit: null, missGate: null, readMs: 0 }
      const started = clock.monotonic()
      const [vector] = await embedder.embed([normaliseText(prompt)], signal)
      const readMs = clock.monotonic() - started
      const embedding = { vector: vector!, embedder: embedder.name, threshold: SIMILARITY }
      const rows = db.all<CandidateRow>(SQL.candidates, digest(partitionOf(request, context)), embedder.name, clock.now())
      const near = rows
        .map((row) => ({ row, similarity: cosine(vector!, row.embedding) }))
        .sort((a, b) => b.similarity - a.similarity)
        .slice(0, CANDIDATES)
      const asked = meaningOf(prompt, lexicon)
      let missGate: Gate | null = null
      for (const { row, similarity } of near) {
        const gate = gateOf(row, similarity, asked)
        if (gate === null)
          return {
            embedding,
            hit: { entry: row.id, result: JSON.parse(row.result) as StoredResult, similarity, costNusd: row.cost_nusd },
            missGate: null,
            readMs,
          }
        missGate ??= gate
      }
      return { embedding, hit: null, missGate, readMs }
    },

    /** What a model said about a hit. Two errors and the entry never answers again. */
    audit(hit: SemanticHit, request: LlmRequest, prompt: string, said: StoredResult): void {
      const { right, comparator } = sameAnswer(hit.result, said)
      const mode = stateOf(db, request.task_type).state
      db.transaction(() => {
        db.run(SQL.audit, clock.now(), request.task_type, hit.entry, hit.similarity, mode, right ? 1 : 0, comparator, shortPrompt(prompt))
        if (!right) db.run(SQL.blame, Math.min(1, hit.similarity + ABOVE_WRONG), hit.entry)
      })
    },
  }

  function gateOf(row: CandidateRow, similarity: number, asked: Meaning): Gate | null {
    if (similarity < Math.max(SIMILARITY, row.threshold)) return 'similarity'
    const refused = refusingGate(asked, meaningOf(row.prompt, lexicon))
    if (refused) return refused
    if (row.quarantined === 1) return 'quarantine'
    return row.validated === 1 ? null : 'producer'
  }
}

/** Of vectors of length 1. Vectors of another size are never alike. */
function cosine(a: Float32Array, blob: Uint8Array): number {
  if (blob.byteLength !== a.byteLength) return -1
  const b = new Float32Array(blob.buffer.slice(blob.byteOffset, blob.byteOffset + blob.byteLength))
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!
  return sum
}
