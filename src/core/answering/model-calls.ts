import { SingularityError } from '../kernel/index.ts'
import type { LlmRequest } from '../llm/index.ts'
import type { AnswerOptions, ModelCall } from './answer.ts'

type ModelAnswer = Awaited<ReturnType<ModelCall>>

/** Where the three ways out are told. */
const WAYS_OUT = [
  'export OPENAI_API_KEY=...   (or ANTHROPIC_API_KEY, GOOGLE_AI_STUDIO_API_KEY)',
  'ollama serve   (a model on this machine needs no key)',
  'singularity ask PROMPT --no-llm   (rules and cached answers only)',
]

/** Asks the model; equal requests that are on their way share one call. null: no model is configured. */
export function createModelCalls(callModel: ModelCall | null) {
  const inFlight = new Map<string, Promise<ModelAnswer>>()

  return {
    /**
     * `key` is equal for requests that may share an answer; null: this one wants its own.
     * @throws LLM_NOT_CONFIGURED, and whatever the model's call throws
     */
    async ask(request: LlmRequest, key: string | null, options: AnswerOptions): Promise<{ made: ModelAnswer; shared: boolean }> {
      if (callModel === null)
        throw new SingularityError('LLM_NOT_CONFIGURED', 'No rule and no cached answer fits, and no model is configured.', {
          hints: WAYS_OUT,
        })
      const { model, maxCostNusd, deadlineMs, signal, record, replay } = options
      const running = key === null ? undefined : inFlight.get(key)
      if (running)
        try {
          return { made: await running, shared: true }
        } catch {
          // the other one may have been stopped by its own caller
          signal?.throwIfAborted()
        }
      const call = callModel({
        request,
        uniqueKey: key === null ? null : `answer:${key}`,
        ...(model !== undefined && { model }),
        ...(maxCostNusd !== undefined && { maxCostNusd }),
        ...(deadlineMs !== undefined && { deadlineMs }),
        ...(signal && { signal }),
        ...(record !== undefined && { record }),
        ...(replay !== undefined && { replay }),
      })
      if (key === null) return { made: await call, shared: false }
      inFlight.set(key, call)
      try {
        return { made: await call, shared: false }
      } finally {
        if (inFlight.get(key) === call) inFlight.delete(key)
      }
    },
  }
}
