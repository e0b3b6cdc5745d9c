import { asObject, parseJson } from '../kernel/index.ts'
import { type Attempt, type Job, type JobDetail, type JobStatus, LLM_QUEUE, STATUS_OF } from './job.ts'

/** A request as `queue show` tells it: the columns of the view `llm_requests`. */
export type RequestRow = {
  id: string
  agent_id: string
  task_type: string
  complexity: string
  messages: unknown
  context: unknown
  status: JobStatus
  published_at: string | null
  error_message: string | null
  created_at: string
  updated_at: string
  response_schema: unknown
  response: string | null
  parsed_response: unknown
  validation_errors: unknown
  api_version: string | null
  max_tokens: number | null
  temperature: number | null
  previous_response_id: string | null
  mcp_servers: unknown
  store: boolean | null
  tools: unknown
}

/** How long the steps of the workflow took, ms; a step comes again with every call. */
export type StepRow = { step: string; ms: number }

/** Why a request ended without an answer, typed; what does not apply is null. */
export type RequestError = {
  /** One of the three kinds. */
  kind: (typeof KINDS)[number]
  reason: string
  code: string | null
  message: string
  provider: string | null
  model: string | null
  complexity: string
  task_type: string
}

/** What `queue show` tells of one request. */
export type RequestShown = { request: RequestRow; attempts: AttemptRow[]; steps: StepRow[]; error: RequestError | null }

/** One line of `queue list`: what is known without reading a payload. */
export type RequestSummary = {
  id: string
  agent_id: string
  task_type: string
  complexity: string
  status: JobStatus
  priority: number
  attempts: number
  run_at: string
  reason: string | null
  error_message: string | null
  created_at: string
  updated_at: string
}

/** What `queue await` answers for one request. */
export type AwaitedResponse = {
  id: string
  status: JobStatus
  result: unknown
  model: string | null
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null
  latency_ms: number | null
  cached: boolean
  source: 'llm' | 'cache' | 'rule' | null
  cost_nusd: number
  cost_source: string
  attempts: number
  reason: string | null
  error_message: string | null
}

export type AttemptRow = Record<'n' | 'cost_nusd' | 'ms', number> &
  Record<'step' | 'provider' | 'model' | 'cost_source', string> & {
    kind: string | null
    reason: string | null
    http_status: number | null
    usage: AwaitedResponse['usage']
    skipped: Attempt['skipped']
    dropped_params: Attempt['droppedParams']
  }

type Fields = Readonly<Record<string, unknown>>

const iso = (ms: number): string => new Date(ms).toISOString()
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms))

/** The fields of a stored JSON object; none where it was pruned or is something else. */
function fieldsOf(text: string | null): Fields {
  return asObject(text === null ? null : parseJson(text))
}

/** Why a request failed, in words: the message, or the reason where there is none. */
function errorOf({ state, errorMessage, reason }: Job): string | null {
  return STATUS_OF[state] === 'failed' ? (errorMessage ?? reason) : errorMessage
}

export function requestRow(job: JobDetail): RequestRow {
  const [asked, result] = [fieldsOf(job.payload), fieldsOf(job.result)]
  const options = asked['options'] as Fields | undefined
  const field = <T>(from: Fields | undefined, name: string): T | null => (from?.[name] ?? null) as T | null
  return {
    id: job.id,
    agent_id: job.agentId,
    task_type: job.taskType,
    complexity: job.complexity,
    messages: asked['messages'] ?? [],
    context: asked['context'] ?? {},
    status: STATUS_OF[job.state],
    published_at: isoOrNull(job.publishedAt),
    error_message: errorOf(job),
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
    response_schema: field(asked, 'response_schema'),
    // what a job of another room left, as text
    response: job.queue === LLM_QUEUE ? field(result, 'response') : job.result,
    parsed_response: field(result, 'parsed_response'),
    validation_errors: field(result, 'validation_errors'),
    api_version: field(asked, 'api_version'),
    max_tokens: field(asked, 'max_tokens') ?? field(options, 'max_tokens'),
    temperature: field(asked, 'temperature') ?? field(options, 'temperature'),
    previous_response_id: field(asked, 'previous_response_id'),
    mcp_servers: field(asked, 'mcp_servers'),
    store: field(asked, 'store'),
    tools: field(asked, 'tools'),
  }
}

/** The steps a request went through, as its result has them; none before it has ended. */
export function stepRows({ result }: JobDetail): StepRow[] {
  const steps = fieldsOf(result)['steps']
  return Array.isArray(steps) ? (steps as StepRow[]).map(({ step, ms }) => ({ step, ms })) : []
}

const KINDS = ['provider_unavailable', 'malformed_response', 'processing_exception'] as const
const UNAVAILABLE: ReadonlySet<string> = new Set(['PROVIDER_UNAVAILABLE', 'LLM_NOT_CONFIGURED', 'OFFLINE'])

/** null for a request that has not failed. */
export function requestError(job: JobDetail, attempts: readonly Attempt[]): RequestError | null {
  if (STATUS_OF[job.state] !== 'failed') return null
  const result = fieldsOf(job.result)
  const refusal = (result['error'] ?? {}) as Fields
  const told = (refusal['data'] ?? {}) as Fields
  const last = attempts.at(-1)
  const [first = '', second] = (job.reason ?? '').split('.')
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  const code = text(refusal['code'])
  return {
    // what was refused before anything was sent has a code in the place of a kind
    kind: KINDS.find((kind) => kind === first) ?? (UNAVAILABLE.has(code ?? '') ? 'provider_unavailable' : 'processing_exception'),
    reason: text(told['reason']) ?? second ?? (first || 'internal'),
    code,
    message: errorOf(job) ?? first,
    provider: text(result['provider']) ?? text(told['provider']) ?? last?.provider ?? null,
    model: text(result['model']) ?? text(told['model']) ?? last?.model ?? null,
    complexity: job.complexity,
    task_type: job.taskType,
  }
}

export function requestSummary(job: Job): RequestSummary {
  return {
    id: job.id,
    agent_id: job.agentId,
    task_type: job.taskType,
    complexity: job.complexity,
    status: STATUS_OF[job.state],
    priority: job.priority,
    attempts: job.attempt,
    run_at: iso(job.runAt),
    reason: job.reason,
    error_message: errorOf(job),
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
  }
}

/** `result` is the checked answer, or its text where no schema was asked for; jobs of other kinds answer what they left. */
export function awaitedResponse(job: JobDetail, attempts: readonly Attempt[]): AwaitedResponse {
  const result = fieldsOf(job.result)
  const isAnswer = 'response' in result
  const spent = attempts.reduce((sum, { costNusd }) => sum + costNusd, 0)
  return {
    id: job.id,
    status: STATUS_OF[job.state],
    result: isAnswer ? (result['parsed_response'] ?? result['response']) : job.result === null ? null : (parseJson(job.result) ?? null),
    model: (result['model'] as string | undefined) ?? attempts.at(-1)?.model ?? null,
    usage: (result['usage'] as AwaitedResponse['usage'] | undefined) ?? null,
    latency_ms: (result['latency_ms'] as number | undefined) ?? (job.finishedAt === null ? null : job.finishedAt - job.createdAt),
    cached: result['cached'] === true,
    source: (result['source'] as AwaitedResponse['source'] | undefined) ?? null,
    cost_nusd: (result['cost_nusd'] as number | undefined) ?? spent,
    cost_source: (result['cost_source'] as string | undefined) ?? attempts.at(-1)?.costSource ?? 'computed',
    attempts: attempts.length,
    reason: job.reason,
    error_message: errorOf(job),
  }
}

export function attemptRow(attempt: Attempt): AttemptRow {
  const { usage } = attempt
  return {
    n: attempt.n,
    step: attempt.step,
    provider: attempt.provider,
    model: attempt.model,
    kind: attempt.kind,
    reason: attempt.reason,
    http_status: attempt.httpStatus,
    usage: usage && { prompt_tokens: usage.promptTokens, completion_tokens: usage.completionTokens, total_tokens: usage.totalTokens },
    cost_nusd: attempt.costNusd,
    cost_source: attempt.costSource,
    ms: attempt.ms,
    skipped: attempt.skipped,
    dropped_params: attempt.droppedParams,
  }
}
