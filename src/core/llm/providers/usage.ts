import type { TokenUsage } from '../provider.ts'
import { isObject } from './translate.ts'

/** A count of a provider's usage; undefined where it told none, so that an earlier value stays. */
function tokens(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined
}

/** Usage of Chat Completions and of Responses: `input` already includes what came from the cache. */
export function openaiUsage(raw: unknown): TokenUsage | null {
  if (!isObject(raw)) return null
  const input = tokens(raw['input_tokens'] ?? raw['prompt_tokens'])
  const output = tokens(raw['output_tokens'] ?? raw['completion_tokens'])
  // half a usage is none: the reservation then counts in full
  if (input === undefined || output === undefined) return null
  const inputDetails = raw['input_tokens_details'] ?? raw['prompt_tokens_details']
  const outputDetails = raw['output_tokens_details'] ?? raw['completion_tokens_details']
  const detail = (details: unknown, name: string) => (isObject(details) && tokens(details[name])) || 0
  const [cacheRead, cacheWrite5m] = [detail(inputDetails, 'cached_tokens'), detail(inputDetails, 'cache_write_tokens')]
  // more from the cache than there was: then nothing of it is believed
  if (cacheRead + cacheWrite5m > input) return null
  return {
    input,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h: 0,
    output,
    reasoning: Math.min(output, detail(outputDetails, 'reasoning_tokens')),
  }
}

/** What OpenRouter says a call cost, in the unit of its account; null: nothing. */
export function reportedCost(raw: unknown): number | null {
  const cost = isObject(raw) ? raw['cost'] : undefined
  return typeof cost === 'number' && Number.isFinite(cost) && cost >= 0 ? cost : null
}

/**
 * Usage of Anthropic Messages: `input_tokens` excludes what was read from or written to the cache. The counts of a stream are
 * cumulative, so the last of each wins; the split of cache writes by lifetime is only believed where it adds up to the last total.
 */
export function anthropicUsage(parts: readonly unknown[]): TokenUsage | null {
  const all = parts.filter(isObject)
  const last = (name: string) => all.map((part) => tokens(part[name])).findLast((value) => value !== undefined)
  const [fresh, output] = [last('input_tokens'), last('output_tokens')]
  if (fresh === undefined || output === undefined) return null
  const cacheRead = last('cache_read_input_tokens') ?? 0
  const written = last('cache_creation_input_tokens')
  const split = all.map((part) => part['cache_creation']).findLast(isObject)
  const [short, long] = [tokens(split?.['ephemeral_5m_input_tokens']) ?? 0, tokens(split?.['ephemeral_1h_input_tokens']) ?? 0]
  const total = written ?? short + long
  const cacheWrite1h = short + long === total ? long : 0
  const details = all.map((part) => part['output_tokens_details']).findLast(isObject)
  return {
    input: fresh + cacheRead + total,
    cacheRead,
    cacheWrite5m: total - cacheWrite1h,
    cacheWrite1h,
    output,
    reasoning: Math.min(output, tokens(details?.['thinking_tokens']) ?? 0),
  }
}

/** Usage of several calls that make one answer. */
export function addUsage(a: TokenUsage | null, b: TokenUsage | null): TokenUsage | null {
  if (!a || !b) return null
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    output: a.output + b.output,
    reasoning: a.reasoning + b.reasoning,
  }
}
