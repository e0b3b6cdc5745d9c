import { SingularityError } from '../kernel/index.ts'
import { findBreak } from './read-json.ts'
import { type ModelEntry, type ModelPrice, type RoutingTable, findModel } from './routing.ts'

/** Dollars per million tokens, as llm.json has them. */
export type UsdPrice = {
  input: number
  output: number
  cache_read: number
  cache_write: number
  tiers: { above_input_tokens: number; input: number; output: number }[]
}

type GivenPrice = Pick<UsdPrice, 'input' | 'output'> & Partial<UsdPrice>

/** What a file of prices says, by provider and exact id; `provider` null: the file names models only. */
export type PriceList = { format: 'genai-prices' | 'own'; prices: { provider: string | null; id: string; price: GivenPrice }[] }

export type PriceChange = { model: string; id: string; before: UsdPrice | null; after: UsdPrice }
export type PricePlan = {
  changes: PriceChange[]
  unchanged: string[]
  /** Models of the table the file has no exact id for: their prices stay. */
  unmatched: string[]
}

/** What genai-prices calls the providers of our table where the names differ. */
const THEIR_NAMES: Readonly<Record<string, string>> = { gemini: 'google' }
const MOST_USD = 1_000_000

type Tree = Readonly<Record<string, unknown>>
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Reads prices as the data file of @pydantic/genai-prices has them (a list of providers), or as `{MODEL: {input, output, ...}}`.
 * @param today 'YYYY-MM-DD': of prices with a date the one that counts now
 * @throws REQUEST_INVALID where it is neither
 */
export function readPriceList(text: string, today: string): PriceList {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const { error, position, preview } = findBreak(text)
    throw invalid(`is not JSON: ${error} at position ${position}`, { position, preview })
  }
  if (Array.isArray(value)) return { format: 'genai-prices', prices: value.flatMap((provider) => theirPrices(provider, today)) }
  if (!isTree(value)) throw invalid('is neither a list of providers nor an object of models')
  const models = isTree(value['models']) ? value['models'] : value
  const prices = Object.entries(models).flatMap(([id, entry]) => {
    const price = givenPrice(isTree(entry) && isTree(entry['usd_per_mtok']) ? entry['usd_per_mtok'] : entry)
    return price ? [{ provider: null, id, price }] : []
  })
  if (prices.length === 0) throw invalid('holds no price: {"MODEL": {"input": 0.2, "output": 0.5}} in dollars per million tokens')
  return { format: 'own', prices }
}

function invalid(what: string, more: object = {}): SingularityError {
  return new SingularityError('REQUEST_INVALID', `The file of prices ${what}.`, {
    hints: ['singularity llm prices --help'],
    data: { errors: [{ index: 0, path: '', message: what, ...more }] },
  })
}

function theirPrices(provider: unknown, today: string): PriceList['prices'] {
  if (!isTree(provider) || typeof provider['id'] !== 'string' || !Array.isArray(provider['models'])) return []
  const name = provider['id']
  return provider['models'].filter(isTree).flatMap((model) => {
    const price = theirPrice(current(model['prices'], today))
    return typeof model['id'] === 'string' && price ? [{ provider: name, id: model['id'], price }] : []
  })
}

/** Of several prices the latest that has begun; one that depends on the time of day is nobody's price for sure. */
function current(prices: unknown, today: string): unknown {
  if (!Array.isArray(prices)) return prices
  const begun = prices.filter(isTree).flatMap((each) => {
    const constraint = each['constraint']
    if (constraint === undefined || constraint === null) return [{ from: '', prices: each['prices'] }]
    const from = isTree(constraint) ? constraint['start_date'] : undefined
    return typeof from === 'string' && from <= today ? [{ from, prices: each['prices'] }] : []
  })
  return begun.toSorted((a, b) => (a.from < b.from ? -1 : 1)).at(-1)?.prices
}

type Rate = { base: number; tiers: { start: number; price: number }[] }

function rateOf(value: unknown): Rate | undefined {
  if (isAmount(value)) return { base: value, tiers: [] }
  if (!isTree(value) || !isAmount(value['base'])) return undefined
  const tiers = (Array.isArray(value['tiers']) ? value['tiers'] : []).filter(isTree)
  return {
    base: value['base'],
    tiers: tiers.flatMap(({ start, price }) => (isAmount(price) && Number.isInteger(start) ? [{ start: start as number, price }] : [])),
  }
}

function theirPrice(prices: unknown): GivenPrice | undefined {
  if (!isTree(prices)) return undefined
  const [input, output] = [rateOf(prices['input_mtok']), rateOf(prices['output_mtok'])]
  if (!input || !output) return undefined
  const [read, write] = [rateOf(prices['cache_read_mtok']), rateOf(prices['cache_write_mtok'])]
  const starts = [...new Set([...input.tiers, ...output.tiers].map(({ start }) => start))].toSorted((a, b) => a - b)
  const at = ({ base, tiers }: Rate, start: number): number => tiers.findLast((tier) => tier.start <= start)?.price ?? base
  return {
    input: input.base,
    output: output.base,
    ...(read && { cache_read: read.base }),
    ...(write && { cache_write: write.base }),
    tiers: starts.map((start) => ({ above_input_tokens: start, input: at(input, start), output: at(output, start) })),
  }
}

function givenPrice(value: unknown): GivenPrice | undefined {
  if (!isTree(value) || !isAmount(value['input']) || !isAmount(value['output'])) return undefined
  const { input, output, cache_read: read, cache_write: write } = value
  const tiers = Array.isArray(value['tiers']) ? value['tiers'].filter(isTree) : []
  return {
    input,
    output,
    ...(isAmount(read) && { cache_read: read }),
    ...(isAmount(write) && { cache_write: write }),
    tiers: tiers.flatMap(({ above_input_tokens: above, input: dearer, output: out }) =>
      Number.isInteger(above) && (above as number) > 0 && isAmount(dearer) && isAmount(out)
        ? [{ above_input_tokens: above as number, input: dearer, output: out }]
        : [],
    ),
  }
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= MOST_USD

/** What would change. Only an exact id counts: a price of nearly the same model is a wrong price. Pure. */
export function planPrices(table: RoutingTable, { prices }: PriceList): PricePlan {
  const plan: PricePlan = { changes: [], unchanged: [], unmatched: [] }
  for (const model of table.models.values()) {
    if (model.id === 'auto') continue
    const their = THEIR_NAMES[model.provider] ?? model.provider
    const given = prices.find(({ provider, id }) =>
      provider === null ? findModel(table, id) === model : provider === their && id === model.id,
    )
    if (!given) {
      plan.unmatched.push(model.name)
      continue
    }
    const [before, after] = [model.price && usdOf(model.price), complete(given.price, model)]
    if (JSON.stringify(before) === JSON.stringify(after)) plan.unchanged.push(model.name)
    else plan.changes.push({ model: model.name, id: model.id, before, after })
  }
  return plan
}

/** A rate that is not told is never put too low: reading costs an input, writing what it cost before beside one. */
function complete(given: GivenPrice, { price }: ModelEntry): UsdPrice {
  const { input, output, cache_read = input, tiers = [] } = given
  const factor = price && price.input > 0 ? Math.max(1, price.cacheWrite / price.input) : 1
  return { input, output, cache_read, cache_write: given.cache_write ?? round(input * factor), tiers }
}

function usdOf(price: ModelPrice): UsdPrice {
  const usd = (nanoPerToken: number): number => round(nanoPerToken / 1000)
  return {
    input: usd(price.input),
    output: usd(price.output),
    cache_read: usd(price.cacheRead),
    cache_write: usd(price.cacheWrite),
    tiers: price.tiers.map((tier) => ({ above_input_tokens: tier.aboveInputTokens, input: usd(tier.input), output: usd(tier.output) })),
  }
}

const round = (usd: number): number => Math.round(usd * 1e6) / 1e6
