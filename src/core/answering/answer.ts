import type { LlmRequest, StoredResult } from '../llm/index.ts'
import type { Complexity } from '../queue/index.ts'

/** A file whose text goes into the prompt. */
export type QuestionFile = { path: string; text: string }

/** What somebody wants to know. `prompt` alone is a question; a room with a conversation of its own gives `messages` instead of files. */
export type Question = {
  prompt: string
  files?: readonly QuestionFile[]
  taskType?: string
  complexity?: Complexity
  /** JSON Schema the answer has to meet. */
  schema?: Readonly<Record<string, unknown>>
  /** Replaces what the prompt template would write. */
  messages?: LlmRequest['messages']
  tools?: LlmRequest['tools']
  temperature?: number
  maxTokens?: number
  /** False where the same words may want another answer: tools with side effects, "now", wanted randomness. */
  cacheable?: boolean
}

export type AnswerOptions = {
  /** False: rules and caches only (`--no-llm`). */
  useModel?: boolean
  /** False: neither read from nor written to the caches. */
  useCache?: boolean
  /** Exact model of the routing table. */
  model?: string
  /** Cap of this one request. */
  maxCostNusd?: number
  /** Longest wait for an answer, ms; then the request is cancelled. */
  deadlineMs?: number
  signal?: AbortSignal
  /** File an answered request is appended to. */
  record?: string
  /** File with recorded answers: nobody else is asked. */
  replay?: string
}

/** What left this machine for the answer; nothing where no model was asked. */
export type Sent = { provider: string | null; files: readonly string[]; bytes: number }

export type AnswerSource = 'rule' | 'cache' | 'llm'

export type Answer = {
  id: string
  answer: string
  /** The value behind the words: what a rule found, or the answer parsed by its schema. */
  parsed: unknown
  source: AnswerSource
  tier: 'exact' | 'semantic' | null
  /** Lower bound (one-sided 95 %) of how often such answers are right; null where nobody measured it. */
  confidence: number | null
  /** On how many cases the confidence rests. */
  confidence_n: number | null
  similarity: number | null
  model: string | null
  usage: StoredResult['usage']
  cost_nusd: number
  cost_source: StoredResult['cost_source']
  latency_ms: number
  sent: Sent
}

export type ModelRequest = {
  request: LlmRequest
  /** Equal for equal requests: the queue's unique key, so that two processes share one call. null: not shared. */
  uniqueKey: string | null
} & Pick<AnswerOptions, 'model' | 'maxCostNusd' | 'deadlineMs' | 'signal' | 'record' | 'replay'>

/** Asks a model and waits. Whoever builds the room decides how: app.ts runs the caller's own row of the queue. */
export type ModelCall = (request: ModelRequest) => Promise<{ id: string; result: StoredResult; bytes: number; replayed?: boolean }>
