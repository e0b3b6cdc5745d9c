import { boolean, count, list, map, nullable, number, object, oneOf, string, time, type Schema } from './build.ts'

const origins = map(oneOf('default', 'user file', 'llm budget', 'environment', 'repository'))
const privacy = oneOf('local', 'no-train', 'any')
const complexity = oneOf('simple', 'medium', 'complex')
const usable = { usable: boolean, reason: nullable(string) }
const age = { as_of: string, age_days: count, stale: boolean }
const money = nullable(count)
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
        ...usable,
      }),
    ),
  }),
  'secrets.set': secret,
  'secrets.rotate': secret,
  'secrets.list': object({ secrets: list(secret) }),
}
