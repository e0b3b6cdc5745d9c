import { SingularityError } from '../kernel/index.ts'
import type { Complexity } from '../queue/index.ts'
import type { TokenUsage } from './provider.ts'
import type { StoredRequest } from './request.ts'
import type { ModelEntry, ModelPrice, ProviderEntry, Rates, RoutingTable } from './routing.ts'

/** Nano-dollars of a dollar. */
export const NUSD = 1_000_000_000

/** Dollars as an integer amount; Infinity stays what it is. */
export function nusdOf(usd: number): number {
  return Number.isFinite(usd) ? Math.round(usd * NUSD) : usd
}

/** What providers add around a message, and the instructions for tools they put in front, in tokens: generous, so that the bound holds. */
const PER_MESSAGE = 16
const PER_REQUEST = 64
const FOR_TOOLS = 1024
/** Bytes per token of English prose and code, measured 3.8 to 4.5; the likely figure leans to the dear side. */
const BYTES_PER_TOKEN = { least: 3.3, likely: 3.8, most: 4.8 }
/** Providers that keep a prompt for an hour take twice the price of an input for it. */
const HOUR_FACTOR = 2

type Sized = Pick<StoredRequest, 'context' | 'tools' | 'response_schema'> & { messages: readonly object[] }

/** Bytes of everything of the request that goes into the prompt. */
export function promptBytes({ messages, context, tools, response_schema }: Sized): number {
  return Buffer.byteLength(JSON.stringify([messages, context, tools, response_schema]))
}

/** No tokenizer makes more tokens than there are bytes; `counted` is the provider's own count, where it was asked. */
export function boundTokens(request: Sized, counted?: number): number {
  const around = PER_REQUEST + PER_MESSAGE * request.messages.length + (request.tools?.length ? FOR_TOOLS : 0)
  return (counted ?? promptBytes(request)) + around
}

/** The rates for an input of this size. Rates of the cache grow with that of the input. */
function ratesAt(price: ModelPrice, inputTokens: number): Rates {
  const tier = price.tiers.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens)
  if (!tier) return price
  const factor = price.input === 0 ? 1 : tier.input / price.input
  return { input: tier.input, output: tier.output, cacheRead: price.cacheRead * factor, cacheWrite: price.cacheWrite * factor }
}

/** Upper bound of a call in nano-dollars: all input at the dearest rate that can apply, all output that is allowed. */
export function boundOf(price: ModelPrice, size: { inputTokens: number; maxOutputTokens: number; longCache?: boolean }): number {
  const reachable = [0, ...price.tiers.map(({ aboveInputTokens }) => aboveInputTokens + 1)].filter((tokens) => tokens <= size.inputTokens)
  const rates = reachable.map((tokens) => ratesAt(price, tokens))
  const input = Math.max(...rates.map((each) => Math.max(each.input * (size.longCache ? HOUR_FACTOR : 1), each.cacheRead, each.cacheWrite)))
  const output = Math.max(...rates.map((each) => each.output))
  return Math.ceil(input * size.inputTokens + output * size.maxOutputTokens)
}

/**
 * Exact cost in nano-dollars, the same for a streamed and a buffered answer. null where the usage cannot be true (negative, not
 * whole, more cached than sent): then the reservation counts in full.
 */
export function costOf(price: ModelPrice, usage: TokenUsage): number | null {
  const { input, cacheRead, cacheWrite5m, cacheWrite1h, output } = usage
  if (![input, cacheRead, cacheWrite5m, cacheWrite1h, output].every((tokens) => Number.isSafeInteger(tokens) && tokens >= 0)) return null
  const fresh = input - cacheRead - cacheWrite5m - cacheWrite1h
  if (fresh < 0) return null
  const rates = ratesAt(price, input)
  const hour = Math.max(rates.cacheWrite, HOUR_FACTOR * rates.input)
  const nusd = Math.ceil(
    fresh * rates.input + cacheRead * rates.cacheRead + cacheWrite5m * rates.cacheWrite + cacheWrite1h * hour + output * rates.output,
  )
  return Number.isSafeInteger(nusd) ? nusd : null
}

/** Nano-dollars before spending: `high` is the bound that is reserved. */
export type Estimate = { low: number; likely: number; high: number }

/** What a request would use: the models in the order in which they are tried, and what the first one would cost. */
export type RequestEstimate = {
  complexity: Complexity
  task_type: string
  route: { model: string; provider: string }[]
  skipped: readonly { model: string; reason: string }[]
  /** null: the model has no price. */
  estimate_nusd: Estimate | null
  bytes: number
}

/** `bytesPerToken`: what this model was seen to make of such text, where that is known. */
export function estimateCost(
  price: ModelPrice,
  request: Sized,
  maxOutputTokens: number,
  bytesPerToken: number = BYTES_PER_TOKEN.likely,
): Estimate {
  const bytes = promptBytes(request)
  const [few, some] = [bytes / Math.max(BYTES_PER_TOKEN.most, bytesPerToken), bytes / bytesPerToken]
  const rates = ratesAt(price, some)
  return {
    low: Math.floor(few * Math.min(price.input, price.cacheRead)),
    likely: Math.ceil(some * rates.input + (maxOutputTokens / 4) * rates.output),
    high: boundOf(price, { inputTokens: boundTokens(request), maxOutputTokens }),
  }
}

/** The next figure of what a model makes of a text, from what was reported; single answers move it by a tenth. */
export function calibrate(bytesPerToken: number | undefined, bytes: number, inputTokens: number): number {
  const seen = Math.min(BYTES_PER_TOKEN.most * 2, Math.max(1, bytes / Math.max(1, inputTokens)))
  return bytesPerToken === undefined ? seen : bytesPerToken * 0.9 + seen * 0.1
}

/** What a call to this model can cost at most; null: nobody can say. */
export function boundFor(
  model: Pick<ModelEntry, 'price'>,
  provider: Pick<ProviderEntry, 'free'>,
  table: Pick<RoutingTable, 'models' | 'allowUnpriced'>,
  size: { inputTokens: number; maxOutputTokens: number },
): number | null {
  if (model.price) return boundOf(model.price, size)
  if (provider.free) return 0
  // whoever allows unpriced models gets the dearest rates of the table as their ceiling
  const all = table.allowUnpriced ? [...table.models.values()].flatMap(({ price }) => price ?? []) : []
  return all.length === 0 ? null : Math.max(...all.map((price) => boundOf(price, size)))
}

/**
 * Servers the provider calls by itself and tools it hosts cost what nobody tells beforehand.
 * @throws COST_UNBOUNDED where a cap has to hold
 */
export function assertBounded(request: Pick<StoredRequest, 'mcp_servers' | 'tools'>, capped: boolean): void {
  if (!capped) return
  const hosted = request.tools?.find((tool) => tool['type'] !== undefined && tool['type'] !== 'function')
  const what = request.mcp_servers?.length ? 'mcp_servers' : hosted && `the hosted tool ${String(hosted['type'])}`
  if (what)
    throw new SingularityError('COST_UNBOUNDED', `What ${what} may cost has no upper bound, and a cap is set.`, {
      hints: ['Take it out of the request, or set budgets.run_usd, day_usd and month_usd to null in your llm.json.'],
    })
}
