import type { Attempt, ClaimedJob, JobOutcome, NewMessage } from '../queue/index.ts'
import { type CallOutcome, usageOf } from './call.ts'
import type { ProviderFailure } from './failure.ts'
import { errorText, reasonText } from './policy.ts'
import type { ProviderAnswer } from './provider.ts'
import type { StoredResult } from './request.ts'
import type { Candidate } from './routing.ts'

/** The steps of the seeds' workflow and how long each took, ms; kept with the result. */
export type Step = { step: 'validate' | 'route' | 'publish' | 'track_metrics'; ms: number }

/** What an answer leaves behind. `totals`: of all attempts of the request. */
export function resultOf(
  answer: ProviderAnswer,
  candidate: Candidate,
  checked: { parsed: unknown; repaired: boolean },
  outcome: Pick<CallOutcome, 'costSource'>,
  totals: { nusd: number; latencyMs: number },
): StoredResult {
  return {
    response: answer.text,
    parsed_response: checked.parsed,
    validation_errors: null,
    repaired: checked.repaired,
    tool_calls: answer.toolCalls.map(({ id, toolName, params }) => ({ id, tool_name: toolName, params })),
    stop: answer.stop,
    model: candidate.model.name,
    provider: candidate.provider.name,
    usage: seedUsage(answer),
    latency_ms: totals.latencyMs,
    cached: false,
    source: 'llm',
    cost_nusd: totals.nusd,
    cost_source: outcome.costSource,
    provider_request_id: answer.providerRequestId,
    previous_response_id: answer.remoteId,
    ...(answer.state && { state: answer.state }),
  }
}

function seedUsage(answer: ProviderAnswer): StoredResult['usage'] {
  const usage = usageOf(answer)
  return usage && { prompt_tokens: usage.promptTokens, completion_tokens: usage.completionTokens, total_tokens: usage.totalTokens }
}

/** What other programs read: `ai_results` as the router of the seeds publishes it, `llm_results` with the status. */
export function messagesOf({ id, token }: ClaimedJob, result: StoredResult | null, error: string | null): NewMessage[] {
  // one of each claim that ends it: what failed and was tried again has more than one
  const key = `${id}#${token}`
  const body = {
    request_id: id,
    response: result?.response ?? null,
    model: result?.model ?? null,
    tokens_used: result?.usage?.total_tokens ?? null,
    // a hundredth of a dollar is 10^7 nano-dollars
    cost_cents: result === null ? null : result.cost_nusd / 1e7,
  }
  return [
    { queue: 'ai_results', body: JSON.stringify(body), key },
    {
      queue: 'llm_results',
      body: JSON.stringify({ ...body, status: error === null ? 'completed' : 'failed', error_message: error }),
      key,
    },
  ]
}

/** A request that ends without an answer: kind and reason, the raw text for whoever debugs it, everything that was spent. */
export function failed(
  job: ClaimedJob,
  cause: { failure: ProviderFailure; candidate: Candidate; answer: ProviderAnswer | null },
  totals: { nusd: number; latencyMs: number; steps: readonly Step[] },
): JobOutcome {
  const { failure, candidate, answer } = cause
  const errorMessage = errorText(failure, {
    provider: candidate.provider.name,
    model: candidate.model.name,
    complexity: job.complexity,
    taskType: job.taskType,
    keyName: candidate.provider.keyName,
  })
  const result = {
    response: answer?.text ?? null,
    parsed_response: null,
    validation_errors: failure.details.length > 0 ? failure.details : null,
    model: candidate.model.name,
    provider: candidate.provider.name,
    usage: answer && seedUsage(answer),
    latency_ms: totals.latencyMs,
    cost_nusd: totals.nusd,
    provider_request_id: failure.providerRequestId,
    steps: totals.steps,
  }
  return { to: 'dead', reason: reasonText(failure), errorMessage, result, messages: messagesOf(job, null, errorMessage) }
}

/** What earlier attempts have cost, nano-dollars. */
export const costOfAttempts = (rows: readonly Attempt[]): number => rows.reduce((sum, { costNusd }) => sum + costNusd, 0)
