import type { Shape } from './shape.ts'

const text: Shape = { type: 'string', minLength: 1 }
const maybe = (shape: { type: string } & Shape): Shape => ({ ...shape, type: [shape.type, 'null'] })
const closed = (properties: Readonly<Record<string, Shape>>): Shape => ({ type: 'object', properties, additionalProperties: false })
const mapOf = (values: Shape): Shape => ({ type: 'object', additionalProperties: values })
const count = { type: 'integer', minimum: 1 }
const usd = { type: 'number', minimum: 0, maximum: 1_000_000 }
const day: Shape = { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\d$` }
const flag: Shape = { type: 'boolean' }

const caps = closed({
  tools: flag,
  json_schema: { enum: ['strict', 'json_object', 'prompt'] },
  temperature: flag,
  reasoning: flag,
  prompt_cache: { enum: ['auto', 'explicit', 'none'] },
  count_tokens: flag,
  mcp: flag,
  previous_response: flag,
  store: flag,
})

const provider = closed({
  api: { enum: ['responses', 'chat', 'messages'] },
  base_url: maybe({ type: 'string', pattern: '^https?://' }),
  key_env: maybe({ type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
  headers: mapOf(text),
  enabled: flag,
  limits: closed({ rpm: maybe(count), tpm: maybe(count), concurrency: count }),
  data: { enum: ['local', 'no-train', 'any'] },
  caps,
  headers_ms: maybe(count),
  cost_unit: { enum: ['usd', null] },
})

const model = closed({
  id: text,
  context: count,
  max_output: count,
  usd_per_mtok: {
    type: ['object', 'null'],
    properties: {
      input: usd,
      output: usd,
      cache_read: usd,
      cache_write: usd,
      tiers: {
        type: 'array',
        items: { ...closed({ above_input_tokens: count, input: usd, output: usd }), required: ['above_input_tokens', 'input', 'output'] },
      },
    },
    additionalProperties: false,
  },
  price_source: text,
  price_checked: day,
  caps,
  edit_format: { enum: ['search_replace', 'whole'] },
})

const embedding = closed({
  id: text,
  usd_per_mtok: { type: ['number', 'null'], minimum: 0, maximum: 1_000_000 },
  price_source: text,
  price_checked: day,
})

const route = closed({
  models: { type: 'array', items: text },
  max_cost_usd: maybe(usd),
  timeout_ms: count,
  reasoning: maybe({ type: 'string', minLength: 1 }),
})

/** llm.json of the user and templates_data/llm/routing.json: published as docs/json-schema/llm.routing.json. */
export const ROUTING_SCHEMA: Shape = closed({
  $schema: text,
  version: { enum: [1] },
  as_of: day,
  stale_after_days: count,
  providers: mapOf(provider),
  models: mapOf(model),
  embeddings: mapOf(embedding),
  routes: closed({ simple: route, medium: route, complex: route }),
  tasks: mapOf({ enum: ['simple', 'medium', 'complex'] }),
  aliases: mapOf(text),
  budgets: closed({ run_usd: maybe(usd), day_usd: maybe(usd), month_usd: maybe(usd), tasks: mapOf(usd), models: mapOf(usd) }),
  privacy: closed({ allow: { type: 'array', items: { enum: ['local', 'no-train', 'any'] } } }),
  allow_unpriced: flag,
  max_retries: { type: 'integer', minimum: 0, maximum: 10 },
})
