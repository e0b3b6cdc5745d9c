import { boolean, count, list, map, nullable, number, object, oneOf, string, time, type Schema } from './build.ts'

const origins = map(oneOf('default', 'user file', 'llm budget', 'environment', 'repository'))
const privacy = oneOf('local', 'no-train', 'any')
const complexity = oneOf('simple', 'medium', 'complex')
const usable = { usable: boolean, reason: nullable(string) }
const age = { as_of: string, age_days: count, stale: boolean }
const money = nullable(count)
const estimate = nullable(object({ low: count, likely: count, high: count }))
const price = object({
  input: number,
  output: number,
  cache_read: number,
  cache_write: number,
  tiers: list(object({ above_input_tokens: count, input: number, output: number })),
})
/** What a call goes through, in order. */
const CHECK_STEPS = ['connection', 'key', 'model', 'answer', 'schema', 'tools', 'window'] as const
const secret = object({
  name: string,
  store: oneOf('environment', 'system', 'file'),
  set_at: nullable(time),
  rotated_at: nullable(time),
  expires_at: nullable(time),
  state: oneOf('ok', 'expires_soon', 'expired'),
})

/** What `data` holds in the commands about models, money and keys. Amounts are nano-dollars; null is no cap. */
export const LLM: Readonly<Record<string, Schema>> = {
  'llm.budget': object({
    caps: list(
      object({
        scope: oneOf('run', 'day', 'month', 'task', 'model', 'request'),
        key: string,
        cap_nusd: money,
        spent_nusd: count,
        reserved_nusd: count,
        left_nusd: money,
        held: boolean,
        resets_at: nullable(time),
      }),
    ),
    doubt: nullable(string),
  }),
  'llm.routes': object({
    ...age,
    routes: list(
      object({
        complexity,
        models: list(object({ model: string, provider: string, ...usable })),
        max_cost_usd: nullable(number),
        timeout_ms: count,
        reasoning: nullable(string),
        origins,
      }),
    ),
    providers: list(
      object({
        provider: string,
        api: oneOf('responses', 'chat', 'messages'),
        base_url: nullable(string),
        key: nullable(string),
        data: privacy,
        ...usable,
        origins,
      }),
    ),
    tasks: map(complexity),
    aliases: map(string),
    privacy: list(privacy),
    allow_unpriced: boolean,
    max_retries: count,
    budgets: object({
      run_usd: nullable(number),
      day_usd: nullable(number),
      month_usd: nullable(number),
      tasks: map(number),
      models: map(number),
      origins,
    }),
  }),
  'llm.models': object({
    ...age,
    models: list(
      object({
        model: string,
        id: string,
        provider: string,
        data: privacy,
        routes: list(complexity),
        context_tokens: count,
        max_output_tokens: count,
        usd_per_mtok: nullable(object({ input: number, output: number, cache_read: number, cache_write: number })),
        price_source: nullable(string),
        price_checked: nullable(string),
        edit_format: oneOf('search_replace', 'whole'),
        notice: nullable(string),
        ...usable,
      }),
    ),
    checked: nullable(
      list(
        object({
          provider: string,
          state: oneOf('listed', 'failed', 'skipped'),
          reason: nullable(string),
          models: count,
          unknown: list(string),
        }),
      ),
    ),
  }),
  'llm.check': object({
    providers: list(
      object({
        provider: string,
        model: nullable(string),
        state: oneOf('ok', 'failed', 'skipped'),
        reason: nullable(string),
        steps: list(object({ step: oneOf(...CHECK_STEPS), state: oneOf('ok', 'warned', 'failed', 'skipped'), detail: nullable(string) })),
        window: nullable(object({ table: count, server: nullable(count) })),
        request_id: nullable(string),
        http_status: nullable(count),
        latency_ms: nullable(count),
        cost_nusd: count,
        unblocked: boolean,
        fix: list(string),
      }),
    ),
    complexities: list(
      object({
        complexity,
        model: nullable(string),
        provider: nullable(string),
        estimate_nusd: estimate,
        typical: object({ prompt_bytes: count, max_output_tokens: count }),
        reason: nullable(string),
        skipped: list(object({ model: string, reason: string })),
        fix: list(string),
      }),
    ),
    spent_nusd: count,
  }),
  'llm.report': object({
    since: nullable(time),
    models: list(
      object({
        model: string,
        provider: string,
        task_type: string,
        n: count,
        calls: count,
        accepted: count,
        pass_rate: nullable(number),
        reasks: count,
        p50_ms: nullable(count),
        p95_ms: nullable(count),
        cost_nusd: count,
        cost_per_accepted_nusd: money,
        landed: count,
        cost_per_landed_nusd: money,
        burnt_nusd: count,
      }),
    ),
    edits: list(object({ model: string, tool: string, calls: count, applied: count, edit_apply_rate: number })),
    days: list(object({ day: string, requests: count, cost_nusd: count, p50_ms: nullable(count) })),
    advice: list(string),
  }),
  'llm.stats': object({
    since: nullable(time),
    llm_requests: count,
    llm_cost_usd: number,
    cache_hit_rate: nullable(number),
    avg_agent_latency_ms: nullable(count),
    llm_latency_ms: nullable(object({ p50: number, p95: number })),
    agents: list(object({ agent_id: string, requests: count, cost_usd: number, avg_latency_ms: nullable(count) })),
    split: object({ rule: number, cache: number, llm: number, answers: count }),
  }),
  'llm.prices': object({
    file: string,
    format: oneOf('genai-prices', 'own'),
    changes: list(object({ model: string, id: string, before: nullable(price), after: price })),
    unchanged: list(string),
    unmatched: list(string),
    as_of: nullable(string),
    written: boolean,
  }),
  'llm.unblock': object({ provider: string, was_blocked: boolean, reason: nullable(string), since: nullable(time) }),
  'secrets.set': secret,
  'secrets.rotate': secret,
  'secrets.list': object({ secrets: list(secret) }),
}
