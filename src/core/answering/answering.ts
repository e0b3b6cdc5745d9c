import { type Clock, SingularityError, newUuid } from '../kernel/index.ts'
import type { LlmRequest, StoredRequest, StoredResult } from '../llm/index.ts'
import type { Answer, AnswerOptions, ModelCall, Question } from './answer.ts'
import type { Answerer } from './answerer.ts'
import type { AnswerCache, Served } from './cache.ts'
import { type KeyContext, exactKey, isCacheable } from './exact-key.ts'
import { createModelCalls } from './model-calls.ts'
import type { Prompts } from './prompts.ts'
import { writeRequest } from './request.ts'
import { type RuleChange, type RuleTier, changeOf, sameWords } from './rules.ts'
import type { Lookup, SemanticTier } from './semantic.ts'

export type AnsweringDeps = {
  clock: Clock
  rules: RuleTier
  /** Version of the rules: part of every cached answer's key. */
  rulesVersion: string
  /** undefined outside a repository. */
  cache: AnswerCache | undefined
  /** Opt-in. */
  semantic?: SemanticTier
  prompts: Prompts
  /** null: no model is configured. */
  callModel: ModelCall | null
  /** What the queue stores of a request: the key of an answer is made of the same words. */
  withoutSecrets?: (request: LlmRequest) => Promise<LlmRequest>
  /** What went wrong with the cache. It never costs an answer. */
  onTrouble?: (error: unknown) => void
  /** A learned rule answers from now on, or does not any more. */
  onRuleChange?: (change: RuleChange) => Promise<void>
}

export type Answering = ReturnType<typeof createAnswering>
type Found = Pick<Answer, 'answer' | 'parsed' | 'source' | 'tier'> &
  Partial<Answer> &
  Partial<Pick<Served, 'entry' | 'rule' | 'missGate' | 'savedNusd' | 'lookupMs' | 'readMs'>>

const NOTHING_SENT = { provider: null, files: [], bytes: 0 } as const

const NO_RULE = { answer: undefined, watched: [], lookupMs: 0, readMs: 0 } as const
const NOTHING_NEAR = { embedding: null, hit: null, missGate: null, served: null, readMs: 0 } as const

/**
 * The one door to an answer: rules, then what was answered before, then a model. Every room that wants text from a model comes here.
 * What each answer came from, how sure it is and what it cost is in the answer; who was asked what is in `sent`.
 */
export function createAnswering(deps: AnsweringDeps) {
  const { clock, cache, prompts } = deps
  const calls = createModelCalls(deps.callModel)

  /** The cache is a convenience: a full disk must not lose an answer that was paid for. */
  const remember = <T>(use: (cache: AnswerCache) => T): T | undefined => {
    if (!cache) return undefined
    try {
      return use(cache)
    } catch (error) {
      deps.onTrouble?.(error)
      return undefined
    }
  }

  const requestOf = async (question: Question): Promise<LlmRequest> => {
    const request = await writeRequest(question, prompts)
    return (await deps.withoutSecrets?.(request)) ?? request
  }

  /** What nearly the same question was answered; `served` where it may be given out. A broken embedder is a miss. */
  const lookNear = async (
    request: LlmRequest,
    context: KeyContext,
    { prompt }: Question,
    { signal }: AnswerOptions,
  ): Promise<Lookup & { served: Lookup['hit'] }> => {
    // a question that holds a credential is nobody else's
    const asked = request.messages.findLast(({ role }) => role === 'user')?.content ?? ''
    if (!deps.semantic || !asked.includes(prompt)) return NOTHING_NEAR
    try {
      const near = await deps.semantic.lookup(request, context, prompt, signal)
      return { ...near, served: near.hit && deps.semantic.mayServe(request.task_type) ? near.hit : null }
    } catch (error) {
      signal?.throwIfAborted()
      deps.onTrouble?.(error)
      return NOTHING_NEAR
    }
  }

  const contextOf = (question: Question, options: AnswerOptions): KeyContext => ({
    rules: deps.rulesVersion,
    model: options.model ?? null,
    complexity: question.complexity ?? null,
  })

  const keyOf = (question: Question, request: LlmRequest, options: AnswerOptions): string | null =>
    options.useCache !== false && question.cacheable !== false && isCacheable(request)
      ? exactKey(request, contextOf(question, options))
      : null

  const find = async (question: Question, options: AnswerOptions, started: number): Promise<Found> => {
    const { useModel = true } = options
    // a rule knows no schema and reads no file that was handed in
    const forRules = question.schema === undefined && (question.files?.length ?? 0) === 0 && question.messages === undefined
    const { answer: byRule, watched, ...ruleTimes } = forRules ? await deps.rules.ask(question.prompt, useModel) : NO_RULE
    if (byRule) {
      const { fact, rule, confidence, trials } = byRule
      return {
        answer: fact.text,
        parsed: fact.value,
        source: 'rule',
        tier: null,
        confidence,
        confidence_n: trials,
        rule: rule.id,
        ...ruleTimes,
      }
    }
    const request = await requestOf(question)
    const looking = clock.monotonic()
    const since = (waited = 0): number => clock.monotonic() - looking - waited
    const context = contextOf(question, options)
    const key = keyOf(question, request, options)
    const mayCache = key !== null
    const known = mayCache ? remember((kept) => kept.find(request, context)) : undefined
    if (known) {
      const found = fromResult(known.result)
      return { ...found, source: 'cache', tier: 'exact', entry: known.id, savedNusd: known.costNusd, lookupMs: since(), readMs: 0 }
    }
    const near = mayCache ? await lookNear(request, context, question, options) : NOTHING_NEAR
    const times = { lookupMs: since(near.readMs), readMs: near.readMs }
    if (near.served) {
      const { entry, result, similarity, costNusd } = near.served
      // as right as the audits of its kind of task say
      const { bound, audits } = deps.semantic!.state(request.task_type)
      const sure = { confidence: 1 - bound, confidence_n: audits }
      // comparing questions sends them to whoever makes the vectors
      const sent = { provider: deps.semantic!.embedder.name.split('/')[0]!, files: [], bytes: Buffer.byteLength(question.prompt) }
      return { ...fromResult(result), source: 'cache', tier: 'semantic', similarity, entry, savedNusd: costNusd, sent, ...sure, ...times }
    }
    if (!useModel)
      throw new SingularityError('NO_ANSWER', 'Neither a rule nor a cached answer fits, and no model may be asked.', {
        hints: ['singularity ask PROMPT   # without --no-llm a model is asked', 'singularity cache stats'],
      })

    const { made, shared } = await calls.ask(request, key, options)
    const { id, result, bytes, replayed = false } = made
    if (replayed) return { ...fromResult(result), source: 'cache', tier: 'exact' }
    for (const { rule, fact } of watched) await judge(rule, sameWords(fact.text, result.response))
    if (shared) return { ...fromResult(result), source: 'cache', tier: 'exact', savedNusd: result.cost_nusd }
    const { hit, embedding, missGate } = near
    if (hit) remember(() => deps.semantic?.audit(hit, request, question.prompt, result))
    if (mayCache) remember((kept) => kept.put(request, context, result, question.prompt, embedding))
    return {
      missGate,
      lookupMs: ruleTimes.lookupMs + times.lookupMs,
      readMs: ruleTimes.readMs + times.readMs,
      ...fromResult(result),
      id,
      source: 'llm',
      tier: null,
      cost_nusd: result.cost_nusd,
      cost_source: result.cost_source,
      usage: result.usage,
      latency_ms: Math.round(clock.monotonic() - started),
      sent: { provider: result.provider, files: (question.files ?? []).map(({ path }) => path), bytes },
    }
  }

  /** What a learned rule would have said is compared with what a model says. */
  async function judge(rule: Answerer, agreed: boolean): Promise<void> {
    const change = remember((kept) => {
      const before = kept.ruleRecord(rule.id)
      kept.judgeRule(rule.id, agreed)
      return changeOf(rule, deps.rulesVersion, before, kept.ruleRecord(rule.id))
    })
    if (change) await deps.onRuleChange?.(change)
  }

  return {
    /** The request a model would get, for whoever does not wait for the answer. */
    requestOf,

    /** Equal for equal requests that may share an answer; null: this one wants its own. */
    keyOf,

    /**
     * @throws NO_ANSWER (`useModel: false`), LLM_NOT_CONFIGURED, and what the model's call throws: PROVIDER_UNAVAILABLE, BUDGET_REACHED,
     * MALFORMED_RESPONSE, ...
     */
    async answer(question: Question, options: AnswerOptions = {}): Promise<Answer> {
      const started = clock.monotonic()
      const {
        entry = null,
        rule = null,
        missGate = null,
        savedNusd = 0,
        lookupMs = null,
        readMs = null,
        ...found
      } = await find(question, options, started)
      const answer: Answer = {
        id: newUuid(clock),
        confidence: null,
        confidence_n: null,
        similarity: null,
        model: null,
        usage: null,
        cost_nusd: 0,
        cost_source: 'computed',
        latency_ms: Math.round(clock.monotonic() - started),
        sent: NOTHING_SENT,
        ...found,
      }
      const { id, source, tier, similarity, latency_ms: latencyMs, cost_nusd: costNusd } = answer
      const { prompt, taskType = 'ask' } = question
      const served = {
        id,
        taskType,
        prompt,
        source,
        tier,
        similarity,
        entry,
        rule,
        missGate,
        latencyMs,
        lookupMs,
        readMs,
        costNusd,
        savedNusd,
      }
      remember((kept) => kept.recordServed(served))
      return answer
    },

    /** Keeps an answer that was paid for but came too late for who asked. */
    async put(question: Question, options: Pick<AnswerOptions, 'model'>, result: StoredResult): Promise<boolean> {
      if (question.cacheable === false) return false
      return cache?.put(await requestOf(question), contextOf(question, options), result, question.prompt) ?? false
    },

    /**
     * The same for a request as the queue stored it, whoever waits for it. Which complexity the caller insisted on is not known there:
     * it answers those who did not insist.
     */
    putRequest(request: StoredRequest, result: StoredResult): boolean {
      if (request.no_cache === true) return false
      const asked = request.messages.findLast(({ role }) => role === 'user')?.content ?? ''
      const context = { rules: deps.rulesVersion, model: request.model ?? null, complexity: null }
      return remember((kept) => kept.put(request, context, result, asked)) ?? false
    },
  }
}

function fromResult(result: StoredResult): Pick<Answer, 'answer' | 'parsed' | 'model'> {
  return { answer: result.response, parsed: result.parsed_response, model: result.model }
}
