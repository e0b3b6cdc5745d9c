import type { Answer } from '../../core/answering/index.ts'
import type { RequestEstimate } from '../../core/llm/index.ts'
import { formatDuration, oneLine, plural, printable } from '../../core/kernel/index.ts'

/** Nano-dollars for people: '$0.0012'; more digits the smaller the amount. */
export function presentMoney(nusd: number): string {
  const dollars = nusd / 1e9
  return `$${dollars === 0 || dollars >= 1 ? dollars.toFixed(2) : dollars.toFixed(Math.min(9, 2 - Math.floor(Math.log10(dollars))))}`
}

/** The answer itself, as it goes to stdout. */
export function presentAnswer({ answer }: Answer): string {
  return printable(answer)
}

/** Who knew it, what left this machine for it and what it cost: one line for stderr. */
export function presentOrigin(answer: Answer): string {
  const took = formatDuration(answer.latency_ms)
  if (answer.source === 'rule') return `A rule of this repository (${took}). Nothing was sent, nothing was spent.`
  if (answer.source === 'cache') {
    const how =
      answer.tier === 'exact' ? 'The same was asked before' : `Nearly the same was asked before (${answer.similarity?.toFixed(3)})`
    return `${how}: answered by ${oneLine(answer.model ?? 'a model')} then (${took}). Nothing was sent, nothing was spent.`
  }
  const { provider, files, bytes } = answer.sent
  const named = files.length === 0 ? 'your words' : `your words and ${plural(files.length, 'file')} (${files.map(oneLine).join(', ')})`
  const certain = answer.cost_source === 'reported' || answer.cost_source === 'computed' ? '' : ` (${answer.cost_source})`
  return `Sent ${named}, ${plural(bytes, 'byte')}, to ${oneLine(provider ?? '?')}: ${oneLine(answer.model ?? '?')} took ${took}, ${presentMoney(answer.cost_nusd)}${certain}.`
}

/** Which model would be asked where neither a rule nor the cache knows the answer, and between what and what it would cost. */
export function presentEstimate({ route, bytes, estimate_nusd: cost }: RequestEstimate): string {
  const [first, ...others] = route.map(({ model }) => oneLine(model))
  const price =
    cost === null ? 'no price is known' : `about ${presentMoney(cost.likely)} (${presentMoney(cost.low)} to ${presentMoney(cost.high)})`
  const then = others.length === 0 ? '' : `\nAfter it: ${others.join(', ')}.`
  return `${first} would get ${plural(bytes, 'byte')}: ${price}. Nothing was sent.${then}`
}

/** How to get at an answer nobody waited for. */
export function presentDetached({ id, workers }: { id: string; workers: number }): string {
  const wait = `singularity queue await ${id}`
  return workers > 0 ? wait : `No worker is running: the request waits until one does.\n  singularity queue work\n  ${wait}`
}
