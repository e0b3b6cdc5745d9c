import { type Clock, SingularityError, messageOf } from '../kernel/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { AttemptLog, ClaimedJob } from '../queue/index.ts'
import type { Account, Cap, SpendKey } from './account.ts'
import { ProviderFailure } from './failure.ts'
import { POLICY } from './policy.ts'
import type { CallClocks, Provider, ProviderAnswer, ProviderRequest } from './provider.ts'
import type { Candidate } from './routing.ts'

export type CallDeps = {
  account: () => Account
  clock: Clock
  /** Names this repository in the ledger. */
  repository: string
  self: ProcessIdentity
  openProvider: (candidate: Candidate) => Promise<Provider>
  /** Nano-dollars of what was used. */
  costOf: (candidate: Candidate, answer: ProviderAnswer) => { nusd: number; source: 'reported' | 'computed' | 'estimated' | 'unknown' }
}

export type CallRequest = {
  job: ClaimedJob
  attempts: AttemptLog
  candidate: Candidate
  request: ProviderRequest
  step: 'call' | 'reask'
  caps: readonly Cap[]
  clocks: CallClocks
  skipped: readonly { model: string; reason: string }[]
  signal: AbortSignal
  onText?: (delta: string) => void
}

export type CallOutcome = { n: number; ms: number; costNusd: number; costSource: 'reported' | 'computed' | 'estimated' | 'unknown' } & (
  | { answer: ProviderAnswer }
  | { failure: ProviderFailure }
)

/**
 * One call with its money: attempt row, reservation, `calling`, the wire, settle. Whatever happens afterwards, what may have been
 * billed is counted: a dead process leaves `calling`, which counts in full.
 * @throws BUDGET_REACHED, LEDGER_UNUSABLE, SECRETS_LOCKED; nothing was sent then
 */
export async function callProvider(deps: CallDeps, call: CallRequest): Promise<CallOutcome> {
  const { clock } = deps
  const account = deps.account()
  const { candidate, job, attempts } = call
  const started = clock.monotonic()
  const bound = candidate.boundNusd ?? 0
  const n = await attempts.open({
    step: call.step,
    provider: candidate.provider.name,
    model: candidate.model.name,
    phase: 'reserved',
    kind: null,
    reason: null,
    httpStatus: null,
    usage: null,
    costNusd: bound,
    costSource: candidate.boundNusd === null ? 'unknown' : 'estimated',
    ms: 0,
    skipped: call.skipped,
    droppedParams: [],
  })
  const key: SpendKey = { repository: deps.repository, request: job.id, token: job.token, attempt: n }
  const ms = (): number => Math.round(clock.monotonic() - started)
  try {
    account.reserve({
      key,
      boundNusd: bound,
      caps: call.caps,
      provider: candidate.provider.name,
      model: candidate.model.name,
      taskType: job.taskType,
      owner: deps.self,
    })
    account.calling(key)
  } catch (error) {
    const reason = (error as { code?: string }).code?.toLowerCase() ?? 'internal'
    await attempts.update(n, { phase: 'settled', kind: 'processing_exception', reason, costNusd: 0, costSource: 'computed', ms: ms() })
    throw error
  }
  await attempts.update(n, { phase: 'calling' })
  try {
    const provider = await deps.openProvider(candidate).catch((error: unknown) => Promise.reject(unopened(error)))
    const answer = await provider.send(call.request, {
      signal: call.signal,
      clocks: call.clocks,
      ...(call.onText && { onText: call.onText }),
    })
    const told = answer.usage === null ? { nusd: bound, source: 'unknown' as const } : deps.costOf(candidate, answer)
    const booked = book(() => {
      account.settle(key, told)
      account.report(candidate.provider.name, candidate.model.name, { ok: true, countable: true, costNusd: told.nusd })
    })
    const cost = booked ? told : { nusd: bound, source: 'unknown' as const }
    await attempts.update(n, {
      phase: 'settled',
      usage: usageOf(answer),
      costNusd: cost.nusd,
      costSource: cost.source,
      droppedParams: answer.droppedParams,
      ms: ms(),
    })
    return { n, ms: ms(), costNusd: cost.nusd, costSource: cost.source, answer }
  } catch (error) {
    if (isLocked(error)) {
      book(() => account.release(key))
      await attempts.update(n, {
        phase: 'settled',
        kind: 'processing_exception',
        reason: 'secrets_locked',
        costNusd: 0,
        costSource: 'computed',
        ms: ms(),
      })
      throw error
    }
    const failure = asFailure(error)
    const unknown = failure.outcome === 'unknown'
    const cost = unknown ? bound : 0
    book(() => {
      if (failure.outcome === 'not_sent') account.release(key)
      else account.settle(key, { nusd: cost, source: unknown ? 'unknown' : 'computed' })
      const { health } = POLICY[failure.reason]
      if (health) account.report(candidate.provider.name, candidate.model.name, { ok: false, countable: true, costNusd: cost })
    })
    await attempts.update(n, {
      phase: unknown ? 'unknown' : 'settled',
      kind: failure.kind,
      reason: failure.reason,
      httpStatus: failure.httpStatus,
      costNusd: cost,
      costSource: unknown ? 'unknown' : 'computed',
      ms: ms(),
    })
    return { n, ms: ms(), costNusd: cost, costSource: unknown ? 'unknown' : 'computed', failure }
  }
}

/** A ledger that cannot be written just now keeps the reservation, which counts in full; what came back is not thrown away for it. */
function book(write: () => void): boolean {
  try {
    write()
    return true
  } catch (error) {
    if (SingularityError.isInstance(error) && error.kind === 'environment') return false
    throw error
  }
}

/** What the seeds call usage. */
export function usageOf({
  usage,
}: Pick<ProviderAnswer, 'usage'>): { promptTokens: number; completionTokens: number; totalTokens: number } | null {
  return usage && { promptTokens: usage.input, completionTokens: usage.output, totalTokens: usage.input + usage.output }
}

/** Stored keys that do not open: no fault of the request, and no other try opens them. */
export function isLocked(error: unknown): error is SingularityError {
  return SingularityError.isInstance(error) && error.code === 'SECRETS_LOCKED'
}

/** A key that cannot be read, or an adapter that cannot be loaded: nothing was sent, so nothing is owed. */
function unopened(error: unknown): Error {
  if (error instanceof ProviderFailure || isLocked(error)) return error
  return new ProviderFailure('processing_exception', 'internal', messageOf(error), { outcome: 'not_sent', cause: error })
}

function asFailure(error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error
  // our own fault after the request may have gone out
  return new ProviderFailure('processing_exception', 'internal', messageOf(error), { outcome: 'unknown', cause: error })
}
