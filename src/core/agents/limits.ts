import { oneLine } from '../kernel/index.ts'
import { type StopReason, type Turn, spentBy } from './transcript.ts'

export type LoopLimits = {
  /** Turns of one conversation, at most 100. */
  turns: number
  /** Wall clock of one conversation, ms; what a person takes for an answer is not counted. */
  timeMs: number
  tokens: number
  /** Nano-dollars of this run that the conversation may still spend; null: only the caps of the account. */
  nusd: number | null
}

export const MOST_TURNS = 100
export const DEFAULT_TURNS = 25
export const DEFAULT_TOKENS = 4_000_000

/** `timeLeft`: ms. */
export function limitReached(turns: readonly Turn[], limits: LoopLimits, turn: number, timeLeft: number): StopReason | null {
  const spent = spentBy(turns)
  if (turn >= Math.min(limits.turns, MOST_TURNS)) return 'turns'
  if (spent.tokens >= limits.tokens) return 'tokens'
  if (limits.nusd !== null && spent.nusd >= limits.nusd) return 'money'
  return timeLeft <= 0 ? 'time' : null
}

/** Which turn it is, what the last one called and what was spent so far. */
export function progressOf(turns: readonly Turn[], most: number): string {
  const called = [...new Set(turns.at(-1)?.results.map(({ tool }) => tool))].join(', ')
  const spent =
    turns.length === 0 ? '' : `, ${(spentBy(turns).nusd / 1e9).toFixed(4)} USD${called === '' ? '' : `, after ${oneLine(called)}`}`
  return `turn ${turns.length + 1} of at most ${most}${spent}`
}
