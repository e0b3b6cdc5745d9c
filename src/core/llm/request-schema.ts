import type { Shape } from './shape.ts'

const text: Shape = { type: 'string' }
const name: Shape = { type: 'string', minLength: 1, maxLength: 200 }
const id: Shape = { type: 'string', title: 'UUID', pattern: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$' }
const anything: Shape = { type: 'object' }
const closed = (properties: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

const temperature: Shape = { type: 'number', minimum: 0, maximum: 2 }
const maxTokens: Shape = { type: 'integer', minimum: 1 }

const message = closed(
  {
    role: { enum: ['system', 'user', 'assistant', 'tool'] },
    content: text,
    tool_calls: { type: 'array', items: closed({ id: text, tool_name: name, params: {} }, ['id', 'tool_name', 'params']) },
    tool_call_id: text,
    is_error: { type: 'boolean' },
    state: closed({ provider: name, data: {} }, ['provider', 'data']),
  },
  ['role', 'content'],
)

/** The request as programs write it: published as docs/json-schema/llm.request.json, checked by `parseRequests`. */
export const REQUEST_SCHEMA: Shape = closed(
  {
    id,
    agent_id: name,
    task_type: name,
    complexity: { enum: ['simple', 'medium', 'complex'] },
    messages: { type: 'array', minItems: 1, items: message },
    context: anything,
    response_schema: anything,
    options: closed({ temperature, max_tokens: maxTokens, stream: { type: 'boolean' } }),
    api_version: text,
    max_tokens: maxTokens,
    temperature,
    previous_response_id: text,
    mcp_servers: { type: 'array', items: anything },
    store: { type: 'boolean' },
    tools: { type: 'array', items: anything },
    priority: { type: 'integer', minimum: 0, maximum: 100 },
    run_at: {
      type: 'string',
      title: 'time like 2026-01-31T12:00:00Z',
      pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$`,
    },
    unique_key: name,
    group: name,
    parent_id: id,
    max_cost_usd: { type: 'number', minimum: 0 },
    deadline_ms: { type: 'integer', minimum: 1 },
  },
  ['task_type', 'messages'],
)
