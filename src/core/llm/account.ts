import type { ProcessIdentity } from '../process/index.ts'
import type { Violation } from '../queue/index.ts'

/** Names one attempt for good, across repositories. */
export type SpendKey = { repository: string; request: string; token: number; attempt: number }

export type CapScope = 'run' | 'day' | 'month' | 'task' | 'model' | 'request'

/**
 * An amount in nano-dollars that spent and reserved money of its scope may never exceed together. For `day` and `month` the account
 * takes the UTC period as the key, whatever is given; caps of tasks and models count a month.
 */
export type Cap = { scope: CapScope; key: string; capNusd: number }

export type CapState = {
  scope: CapScope
  key: string
  cap_nusd: number
  spent_nusd: number
  reserved_nusd: number
  left_nusd: number
  /** False where this home has no history (a fresh CI machine): the cap binds only from now on. */
  held: boolean
  /** ISO time; null for caps that never reset. */
  resets_at: string | null
}

export type ReservationRequest = {
  key: SpendKey
  /** Upper bound of what the call can cost. */
  boundNusd: number
  caps: readonly Cap[]
  provider: string
  model: string
  taskType: string
  owner: ProcessIdentity
}

/** `since`: ISO time. */
export type ModelNotice = { provider: string; model: string; reason: string; since: string }

export type BreakerVerdict = { allowed: true; probe: boolean } | { allowed: false; reopensAt: number }

/**
 * Money, blocks, breakers and rate limits of the user's account: account.db, shared by every repository and process of the user.
 * Invariant: for every cap, spent + reserved <= cap at every moment. Amounts are integers in nano-dollars.
 */
export type Account = {
  /** @throws BUDGET_REACHED naming the cap, what is left and when it resets; LEDGER_UNUSABLE, also while there is a doubt */
  reserve(request: ReservationRequest): void
  /** reserved -> calling: from here on a dead owner's bound counts as spent. */
  calling(key: SpendKey): void
  /** The outcome is known. A settled amount above the bound is stored as it is, and told by `verify`. Idempotent by key. */
  settle(key: SpendKey, spent: { nusd: number; source: 'reported' | 'computed' | 'estimated' | 'unknown' }): void
  /** Nothing was sent. */
  release(key: SpendKey): void
  /** Whatever dead owners left: reserved is released, calling counts in full until a late answer settles it. */
  recover(isAlive: (owner: ProcessIdentity) => boolean): { released: number; counted: number }
  budget(caps: readonly Cap[]): CapState[]
  /** What `llm budget set` wrote: a cap of every day or month of this user. */
  setCap(scope: 'day' | 'month', nusd: number): void
  userCaps(): { day?: number; month?: number }
  /** Why the sums may be too low (the ledger was damaged and mended); null: they are right. */
  doubt(): string | null
  /** A person has looked at the sums and takes them as they are. */
  confirm(): void
  /** What may never be: sums that are not those of the rows, calls that cost more than was reserved. Empty when all is well. */
  verify(): Violation[]

  blocked(provider: string): { reason: string; credential: string | null; since: string } | null
  /** `credential`: fingerprint of the key that was used; with another key the provider may be asked again. */
  block(provider: string, reason: string, credential?: string | null): void
  unblock(provider: string): boolean

  /** Breaker per provider and model; exactly one process gets the half-open probe. */
  admit(provider: string, model: string): BreakerVerdict
  /** When a call may be tried again, without asking for the probe; null: now. */
  reopensAt(provider: string, model: string): number | null
  /** `countable`: connection, overload, server errors and time-outs; a rate limit or a bad request says nothing about health. */
  report(provider: string, model: string, outcome: { ok: boolean; countable: boolean; costNusd: number }): void
  breakers(): { provider: string; model: string; state: 'closed' | 'open' | 'half_open'; failures: number; reopensAt: number | null }[]

  /** Takes from the buckets of requests and tokens per minute; answers how long to wait instead, 0: taken. */
  take(provider: string, limits: { rpm: number | null; tpm: number | null }, tokens: number): number
  /** The provider said: not before (429). */
  closeUntil(provider: string, until: number): void
  /** Retries are at most a fifth of the last hundred calls, plus three. */
  mayRetry(provider: string): boolean

  /** Bytes this model was seen to make a token of; undefined: it was not asked yet. */
  bytesPerToken(model: string): number | undefined
  /** What an answer told about that. */
  learnTokens(model: string, bytes: number, inputTokens: number): void
  /** What stands until it is seen to be over: models their providers do not know any more. */
  notices(): ModelNotice[]
  notice(provider: string, model: string, reason: string): void
  clearNotice(provider: string, model: string): boolean
  close(): void
}
