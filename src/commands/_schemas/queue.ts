import { boolean, count, list, nullable, number, object, oneOf, string, time, type Schema } from './build.ts'

const status = oneOf('pending', 'processing', 'completed', 'failed')
const source = nullable(oneOf('llm', 'cache', 'rule'))
const costSource = oneOf('reported', 'computed', 'estimated', 'unknown')
const usage = nullable(object({ prompt_tokens: count, completion_tokens: count, total_tokens: count }))
const anything: Schema = {}
const ended = object({ id: string, status })
const control = object({ queue: string, paused: boolean })

/** The columns of the view `llm_requests`. */
const request = object({
  id: string,
  agent_id: string,
  task_type: string,
  complexity: oneOf('simple', 'medium', 'complex'),
  messages: { type: 'array' },
  context: { type: 'object' },
  status,
  published_at: nullable(time),
  error_message: nullable(string),
  created_at: time,
  updated_at: time,
  response_schema: anything,
  response: nullable(string),
  parsed_response: anything,
  validation_errors: nullable(list({ type: 'object' })),
  api_version: nullable(string),
  max_tokens: nullable(count),
  temperature: nullable(number),
  previous_response_id: nullable(string),
  mcp_servers: nullable({ type: 'array' }),
  store: nullable(boolean),
  tools: nullable({ type: 'array' }),
})

const attempt = object({
  n: count,
  step: oneOf('call', 'reask'),
  provider: string,
  model: string,
  kind: nullable(string),
  reason: nullable(string),
  http_status: nullable(count),
  usage,
  cost_nusd: count,
  cost_source: costSource,
  ms: count,
  skipped: list(object({ model: string, reason: string })),
  dropped_params: list(string),
})

const summary = object({
  id: string,
  agent_id: string,
  task_type: string,
  complexity: string,
  status,
  priority: count,
  attempts: count,
  run_at: time,
  reason: nullable(string),
  error_message: nullable(string),
  created_at: time,
  updated_at: time,
})

const response = object({
  id: string,
  status,
  result: anything,
  model: nullable(string),
  usage,
  latency_ms: nullable(count),
  cached: boolean,
  source,
  cost_nusd: count,
  cost_source: costSource,
  attempts: count,
  reason: nullable(string),
  error_message: nullable(string),
})

const worker = object({
  id: string,
  pid: count,
  role: oneOf('worker', 'caller'),
  queues: list(string),
  version: string,
  started_at: time,
  seen_at: time,
  running: count,
  stopping: boolean,
})

const backlog = object({ pending: count, processing: count, oldest_ms: nullable(count) })
const percentiles = nullable(object({ p50: number, p95: number, p99: number, n: count }))
const failedRequest = object({ id: string, agent_id: string, error_message: nullable(string) })
const range: Schema = { type: 'array', items: number, minItems: 2, maxItems: 2 }
const rates = (name: string): Schema => list(object({ [name]: string, completed: count, failed: count, rate: number }))

const statistics = object({
  backlog: object({
    llm: backlog,
    other: backlog,
    messages: list(object({ queue: string, waiting: count, oldest_ms: nullable(count), paused: boolean })),
  }),
  pending_by_agent: list(object({ agent_id: string, pending: count })),
  completed_last_hour: count,
  failed_with_validation_errors: list(failedRequest),
  outages: list(object({ reason: string, failed: count, last_at: time })),
  success: object({ by_agent: rates('agent_id'), by_task_type: rates('task_type') }),
  tool_calls: object({ requests: count, by_type: list(object({ tool_name: string, calls: count })), failed: list(failedRequest) }),
  latency_ms: object({ pick_up: percentiles, total: percentiles }),
  throughput_per_s: object({ llm: nullable(number), other: nullable(number) }),
  target: object(
    {
      llm_requests_per_s: number,
      messages_per_s: number,
      pick_up_ms: number,
      insert_ms: range,
      indexed_query_ms: range,
      status_update_ms: range,
      total_ms: range,
    },
    'The figures the design set out with.',
  ),
})

/** What `data` holds in the commands of the queue. */
export const QUEUE: Readonly<Record<string, Schema>> = {
  'queue.enqueue': object({ requests: list(object({ id: string, status, deduped: boolean })), workers: count }),
  'queue.await': object({ responses: list(response) }),
  'queue.show': object({
    request,
    attempts: list(attempt),
    steps: list(object({ step: oneOf('validate', 'route', 'publish', 'track_metrics'), ms: count })),
    error: nullable(
      object({
        kind: oneOf('provider_unavailable', 'malformed_response', 'processing_exception'),
        reason: string,
        code: nullable(string),
        message: string,
        provider: nullable(string),
        model: nullable(string),
        complexity: string,
        task_type: string,
      }),
    ),
  }),
  'queue.list': object({ requests: list(summary), next: nullable(string) }),
  'queue.send': object({ message_id: count }),
  'queue.read': object({ messages: list(object({ message_id: count, read_count: count, enqueued_at: time, body: anything })) }),
  'queue.ack': object({ acknowledged: count }),
  'queue.ensure': object({ queues: list(string) }),
  'queue.work': object({
    worker: string,
    ended: oneOf('signal', 'asked', 'idle', 'done', 'newer', 'gone'),
    completed: count,
    failed: count,
    cancelled: count,
    released: count,
    messages: count,
  }),
  'queue.workers': object({ workers: list(worker) }),
  'queue.stop': object({ asked: count }),
  'queue.retry': ended,
  'queue.cancel': ended,
  'queue.pause': control,
  'queue.resume': control,
  'queue.stats': statistics,
  'queue.prune': object({ pruned: count, done: boolean }),
  'queue.verify': object({ violations: list(object({ rule: string, id: string, detail: string })) }),
  'queue.watch': object({ events: list(object({ seq: count, at: time, type: string, id: string, detail: nullable(string) })) }),
}
