import { oneLine } from '../../kernel/index.ts'
import { type ModelEntry, type RoutingTable, boundOf } from '../../llm/index.ts'

/** What the calls of an agent look like on the wire. */
export type WireApi = 'messages' | 'chat' | 'responses'

export type Bounded = {
  model: ModelEntry
  boundNusd: number
  /** The body that goes out: a limit of its output is always in it, and usage is asked for. */
  body: string
}

/** Why a request is not let through: what it may cost has no upper bound that is known here. */
export type Refusal = { code: 'BAD_REQUEST' | 'MODEL_UNPRICED' | 'COST_UNBOUNDED'; message: string }

type Body = Record<string, unknown>

/** Tools the agent runs itself; everything else the provider runs and bills. */
const OWN_TOOLS: Readonly<Record<WireApi, RegExp>> = {
  messages: /^(?:custom|(?:bash|text_editor|computer|memory)_\w+)$/,
  chat: /^(?:function|custom)$/,
  responses: /^(?:function|custom|local_shell|apply_patch)$/,
}
const LIMIT_FIELD: Readonly<Record<WireApi, readonly string[]>> = {
  messages: ['max_tokens'],
  chat: ['max_completion_tokens', 'max_tokens'],
  responses: ['max_output_tokens'],
}
const CHEAP_TIERS = new Set(['auto', 'default', 'flex', 'standard', 'standard_only'])
/** What providers put around a request, in tokens. */
const AROUND = 2048

/**
 * An upper bound for one request of an agent. Bytes bound the tokens of what is in the request; what it only points to (earlier answers,
 * addresses, files) counts as a full window.
 */
export function boundRequest(api: WireApi, text: string, table: Pick<RoutingTable, 'models' | 'providers' | 'aliases'>): Bounded | Refusal {
  const body = parse(text)
  if (body === null) return { code: 'BAD_REQUEST', message: 'The request is not a JSON object.' }
  const name = typeof body['model'] === 'string' ? body['model'] : ''
  const offered = [...table.models.values()].filter(({ provider }) => fits(api, table.providers.get(provider)?.api))
  const known = Object.hasOwn(table.aliases, name) ? table.aliases[name] : undefined
  const model = offered.find((each) => each.id === name || each.name === known)
  if (!model?.price) return { code: 'MODEL_UNPRICED', message: unpriced(name, model, offered) }
  body['model'] = model.id
  const unbounded = unboundedPart(api, body)
  if (unbounded !== null) return { code: 'COST_UNBOUNDED', message: `What ${unbounded} may cost has no upper bound.` }
  const [field, ...others] = LIMIT_FIELD[api]
  const asked = [field!, ...others].map((each) => body[each]).find((value) => value !== undefined && value !== null)
  const wanted = typeof asked === 'number' && Number.isInteger(asked) && asked >= 0 ? asked : model.maxOutputTokens
  const maxOutputTokens = Math.min(wanted, model.maxOutputTokens)
  for (const other of others) delete body[other]
  body[field!] = maxOutputTokens
  if (api === 'chat' && body['stream'] === true)
    body['stream_options'] = { ...(body['stream_options'] as object | undefined), include_usage: true }
  const sent = JSON.stringify(body)
  const inputTokens = Buffer.byteLength(sent) + AROUND + (pointsElsewhere(sent, body) ? model.contextTokens : 0)
  return { model, boundNusd: boundOf(model.price, { inputTokens, maxOutputTokens, longCache: /"ttl":"1h"/.test(sent) }), body: sent }
}

function parse(text: string): Body | null {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : null
  } catch {
    return null
  }
}

/** A price is only ever that of the exact id or alias: a dated id may cost something else than its family. */
function unpriced(name: string, model: ModelEntry | undefined, offered: readonly ModelEntry[]): string {
  const shown = JSON.stringify(oneLine(name).slice(0, 100))
  const nearest = offered.filter(({ price }) => price !== null).toSorted((a, b) => commonStart(b.id, name) - commonStart(a.id, name))[0]
  const hint = nearest ? ` The nearest with one is ${nearest.id}.` : ''
  return `The model ${shown} ${model ? 'has no price in' : 'is not in'} the routing table.${hint} See: singularity llm models`
}

function commonStart(a: string, b: string): number {
  const at = [...a].findIndex((letter, index) => letter !== b[index])
  return at < 0 ? a.length : at
}

function fits(api: WireApi, provider: string | undefined): boolean {
  return api === 'messages' ? provider === 'messages' : provider === 'responses' || provider === 'chat'
}

function unboundedPart(api: WireApi, body: Body): string | null {
  const tools = Array.isArray(body['tools']) ? (body['tools'] as Body[]) : []
  const hosted = tools.find((tool) => tool?.['type'] !== undefined && !OWN_TOOLS[api].test(String(tool['type'])))
  if (hosted) return `the hosted tool ${JSON.stringify(hosted['type'])}`
  if (Array.isArray(body['mcp_servers']) && body['mcp_servers'].length > 0) return 'mcp_servers'
  for (const field of ['container', 'background', 'web_search_options', 'audio', 'inference_geo'])
    if (body[field] !== undefined && body[field] !== null && body[field] !== false) return field
  if (typeof body['n'] === 'number' && body['n'] > 1) return 'n > 1'
  const tier = body['service_tier']
  if (tier !== undefined && tier !== null && !CHEAP_TIERS.has(String(tier))) return `the service tier ${JSON.stringify(tier)}`
  return body['speed'] !== undefined && body['speed'] !== 'standard' ? `the speed ${JSON.stringify(body['speed'])}` : null
}

/** Input that is not in the request itself. */
function pointsElsewhere(sent: string, body: Body): boolean {
  if (['previous_response_id', 'conversation', 'prompt'].some((field) => (body[field] ?? null) !== null)) return true
  return /"(?:image_url|file_url|file_id|url)"\s*:\s*(?:"(?!data:)|\{"url":"(?!data:))/.test(sent)
}
