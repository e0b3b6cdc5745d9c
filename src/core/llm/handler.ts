import { SingularityError } from '../kernel/index.ts'
import { type Attempt, type ClaimedJob, type JobContext, type JobHandler, JobAborted, type JobOutcome, LLM_QUEUE } from '../queue/index.ts'
import type { Cap } from './account.ts'
import { type CallDeps, callProvider, isLocked } from './call.ts'
import { LLM_KIND } from './check-request.ts'
import type { ProviderFailure } from './failure.ts'
import { POLICY, errorText, reasonText } from './policy.ts'
import type { ChatMessage, ProviderAnswer } from './provider.ts'
import { promptBytes } from './price.ts'
import type { StoredRequest, StoredResult } from './request.ts'
import { type Step, costOfAttempts, failed, messagesOf, resultOf } from './result.ts'
import type { Candidate, ProviderEntry, Route } from './routing.ts'
import { clocksOf, maxOutputOf, roughTokens, toProviderRequest } from './translate.ts'
import { type Tries, learn, triesOf } from './tries.ts'

/** An answer read against the request's schema, or what is wrong with it and how to ask again. */
export type JudgedAnswer = { parsed: unknown; repaired: boolean } | { failure: ProviderFailure; reask: readonly ChatMessage[] | null }

export type LlmHandlerDeps = CallDeps & {
  /** @throws typed errors naming model, provider, complexity, task type and reason where no model is left; `data.reopens_at` where one comes back */
  route: (request: StoredRequest, tries: Tries, id: string) => Promise<Route>
  capsOf: (request: StoredRequest, job: ClaimedJob, candidate: Candidate) => readonly Cap[]
  check: (request: StoredRequest, answer: ProviderAnswer) => Promise<JudgedAnswer>
  /** Waits until the provider may have one more call at once; the answer gives the place back. */
  takeSlot: (candidate: Candidate, signal: AbortSignal) => Promise<() => void>
  /** Fingerprint of the key a provider is called with; null: it needs none. */
  credentialOf: (provider: ProviderEntry) => Promise<string | null>
  /** Retries after the first attempt (LLM_MAX_RETRIES). */
  maxRetries: () => number
  /** In [0, 1). */
  random: () => number
  /** Everything that was paid for, also what will be fenced: feeds the exact cache. */
  onAnswer?: (request: StoredRequest, result: StoredResult) => void | Promise<void>
  onText?: (delta: string) => void
  /** One try: what would have to wait has failed. */
  once?: boolean
}

/** How long requests rest where the ledger cannot be written. */
const LEDGER_PAUSE_MS = 60_000

/** Runs requests to models: validate, route, publish (the call), track metrics; the same code in a worker and in a waiting command. */
export function createLlmHandler(deps: LlmHandlerDeps): JobHandler {
  return { kind: LLM_KIND, queue: LLM_QUEUE, run: (job, context) => runRequest(deps, job, context) }
}

async function runRequest(deps: LlmHandlerDeps, job: ClaimedJob, context: JobContext): Promise<JobOutcome> {
  const { clock } = deps
  const [started, steps]: [number, Step[]] = [clock.monotonic(), []]
  const timed = async <T>(step: Step['step'], body: () => T | Promise<T>): Promise<T> => {
    const from = clock.monotonic()
    try {
      return await body()
    } finally {
      // the step a request failed in is told as well
      steps.push({ step, ms: Math.round(clock.monotonic() - from) })
    }
  }
  const request = await timed('validate', () => JSON.parse(job.payload) as StoredRequest)
  const rows = await closeLeftOpen(context)
  const tries = triesOf(rows.filter(({ beforeRetry }) => !beforeRetry))
  let nusd = costOfAttempts(rows)
  let locked: SingularityError | undefined
  try {
    for (;;) {
      if (context.signal.aborted) return waiting(clock.now(), false, 'released')
      const route = await timed('route', () => routeAround(deps, request, tries, job.id))
      const candidate = route.candidates[0]!
      const delay = readiness(deps, candidate, request)
      if (delay > 0) {
        // another model may be ready; when none is, `refused` waits
        tries.resting.add(candidate.model.name)
        tries.notBefore = clock.now() + delay
        continue
      }
      const step = tries.reask ? 'reask' : 'call'
      const giveBack = await deps.takeSlot(candidate, context.signal)
      if (context.signal.aborted) {
        giveBack()
        continue
      }
      const outcome = await timed('publish', () =>
        callProvider(deps, {
          job,
          attempts: context.attempts,
          candidate,
          request: toProviderRequest(request, candidate, { reask: tries.reask, longer: tries.longer, reasoning: route.reasoning }),
          step,
          caps: deps.capsOf(request, job, candidate),
          clocks: clocksOf(candidate, route.timeoutMs),
          skipped: route.skipped,
          signal: unlessLost(context.signal),
          ...(deps.onText && { onText: deps.onText }),
        }),
      )
        .catch((error: unknown) => {
          if (!isLocked(error)) throw error
          locked = error
        })
        .finally(giveBack)
      if (outcome === undefined) {
        // a model whose key lies elsewhere may serve
        tries.unfit.add(candidate.model.name)
        continue
      }
      nusd += outcome.costNusd
      const answer = 'answer' in outcome ? outcome.answer : null
      const judged = 'answer' in outcome ? await deps.check(request, outcome.answer) : { failure: outcome.failure, reask: null }
      const totals = { nusd, latencyMs: Math.round(clock.monotonic() - started), steps }
      if ('parsed' in judged) {
        const result = resultOf(answer!, candidate, judged, outcome, totals)
        await timed('track_metrics', async () => {
          if (step === 'call') learnFrom(deps, candidate, request, result)
          // a cache that cannot be written costs no answer that was paid for
          await Promise.resolve(deps.onAnswer?.(request, result)).catch((error: unknown) =>
            context.log.warn('an answer was not kept', { error }),
          )
        })
        return { to: 'completed', result: { ...result, steps }, messages: messagesOf(job, result, null) }
      }
      const { failure, reask } = judged
      if (answer) await context.attempts.update(outcome.n, { kind: failure.kind, reason: failure.reason })
      if (failure.reason === 'cancelled') return waiting(clock.now(), false, 'released')
      await tell(deps, candidate, failure)
      const next = learn(
        tries,
        { failure, candidate, step, reask },
        { maxRetries: deps.once ? 0 : deps.maxRetries(), now: clock.now(), random: deps.random() },
      )
      const cause = { failure, candidate, answer }
      if (next === 'end') return failed(job, cause, totals)
      const again = next === 'again' ? await routeAround(deps, request, tries, job.id).catch(() => null) : null
      if (again === null && next === 'again' && !isPassing(failure)) return failed(job, cause, totals)
      if (again === null) return waitFor(job, tries, cause, totals, deps)
    }
  } catch (error) {
    return refused(locked ?? error, job, tries, deps, steps)
  }
}

/** A call under way is paid for: where somebody else has the job by now, its answer is still heard, booked and kept. */
function unlessLost(signal: AbortSignal): AbortSignal {
  const controller = new AbortController()
  const follow = (): void => {
    if (!(signal.reason instanceof JobAborted && signal.reason.why === 'lost')) controller.abort(signal.reason)
  }
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow, { once: true })
  return controller.signal
}

/** Rows a dead owner left: what was only reserved went back, what may have been sent counts as spent. */
async function closeLeftOpen({ attempts }: JobContext): Promise<Attempt[]> {
  const rows = await attempts.list()
  for (const { n, phase } of rows) {
    if (phase === 'reserved') await attempts.update(n, { phase: 'settled', costNusd: 0, costSource: 'computed' })
    if (phase === 'calling') await attempts.update(n, { phase: 'unknown', costSource: 'unknown' })
  }
  return rows.map((row) => (row.phase === 'reserved' ? { ...row, costNusd: 0 } : row))
}

/** Models that rest are passed over only while another one is left. */
async function routeAround(deps: LlmHandlerDeps, request: StoredRequest, tries: Tries, id: string): Promise<Route> {
  if (tries.resting.size === 0 || tries.notBefore > deps.clock.now()) return deps.route(request, tries, id)
  try {
    return await deps.route(request, tries, id)
  } catch {
    tries.resting.clear()
    return deps.route(request, tries, id)
  }
}

const isPassing = (failure: ProviderFailure): boolean => POLICY[failure.reason].then === 'wait'

/** 0: the call may go out. Else ms until breaker and buckets let one through. */
function readiness({ account, clock }: LlmHandlerDeps, { model, provider }: Candidate, request: StoredRequest): number {
  const ledger = account()
  const verdict = ledger.admit(provider.name, model.name)
  if (!verdict.allowed) return Math.max(1, verdict.reopensAt - clock.now())
  return ledger.take(provider.name, provider.limits, roughTokens(request) + maxOutputOf(request, model))
}

/** What the account has to know beyond this request. */
async function tell(
  { account, clock, credentialOf }: LlmHandlerDeps,
  { model, provider }: Candidate,
  failure: ProviderFailure,
): Promise<void> {
  if (POLICY[failure.reason].blocks) {
    const what = failure.reason === 'auth' ? `refuses the key ${provider.keyName ?? ''}` : 'takes no more requests'
    account().block(provider.name, `${failure.reason}: ${provider.name} ${what}`, await credentialOf(provider))
  }
  if (failure.reason === 'rate_limited' && failure.retryAfterMs !== null)
    account().closeUntil(provider.name, clock.now() + failure.retryAfterMs)
  if (failure.reason === 'model_not_found') account().notice(provider.name, model.name, failure.message)
}

/** Below this size most of a prompt is the model's template, and no ratio says anything. */
const TELLING_BYTES = 1000

/** An answer that was paid for is never lost over what could be learned from it. */
function learnFrom({ account }: LlmHandlerDeps, { model, provider }: Candidate, request: StoredRequest, { usage }: StoredResult): void {
  try {
    const bytes = promptBytes(request)
    if (usage && usage.prompt_tokens > 0 && bytes >= TELLING_BYTES) account().learnTokens(model.name, bytes, usage.prompt_tokens)
    account().clearNotice(provider.name, model.name)
  } catch {
    // a full disk
  }
}

function waiting(runAt: number, counts: boolean, reason: string, errorMessage?: string): JobOutcome {
  return { to: 'available', runAt, counts, reason, ...(errorMessage !== undefined && { errorMessage }) }
}

/** Back to the queue until the provider may be asked again, but not past the deadline. */
function waitFor(
  job: ClaimedJob,
  tries: Tries,
  cause: { failure: ProviderFailure; candidate: Candidate; answer: ProviderAnswer | null },
  totals: { nusd: number; latencyMs: number; steps: readonly Step[] },
  deps: LlmHandlerDeps,
): JobOutcome {
  const { failure, candidate } = cause
  const mayGoOn = !deps.once && (failure.reason === 'rate_limited' || deps.account().mayRetry(candidate.provider.name))
  if (!mayGoOn) return failed(job, cause, totals)
  const text = errorText(failure, {
    provider: candidate.provider.name,
    model: candidate.model.name,
    complexity: job.complexity,
    taskType: job.taskType,
    keyName: candidate.provider.keyName,
  })
  return waiting(tries.notBefore, POLICY[failure.reason].counts, reasonText(failure), text)
}

/** No model, no money, no ledger: ends the request, or lets it wait where the error says when it may go on. */
function refused(error: unknown, job: ClaimedJob, tries: Tries, { clock, once }: LlmHandlerDeps, steps: readonly Step[]): JobOutcome {
  if (!SingularityError.isInstance(error)) throw error
  const retryAt = Math.max(tries.notBefore, Date.parse(String(error.data?.['reopens_at'])) || 0)
  if (retryAt > clock.now() && !once) return waiting(retryAt, false, error.code.toLowerCase(), error.message)
  // a full disk or a broken ledger says nothing about the request: whoever waits is told, what nobody waits for waits itself
  if (error.kind === 'environment' && job.lifetime === 'durable' && !once)
    return waiting(clock.now() + LEDGER_PAUSE_MS, false, error.code.toLowerCase(), error.message)
  return {
    to: 'dead',
    reason: error.code.toLowerCase(),
    errorMessage: error.message,
    result: { error: { code: error.code, message: error.message, hints: error.hints, data: error.data ?? null }, steps },
    messages: messagesOf(job, null, error.message),
  }
}
