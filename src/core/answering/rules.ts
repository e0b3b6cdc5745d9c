import { wilsonInterval } from '../validation/index.ts'
import type { AnswerCache } from './cache.ts'
import type { Answerer, Fact, RepositoryFacts } from './answerer.ts'

/** A rule answers above this lower bound of its record (the seeds' 0.9). */
export const RULE_THRESHOLD = 0.9
/** How often a learned rule that answers is checked against the model all the same. */
const AUDIT_SHARE = 0.05

export type RuleAnswer = { rule: Answerer; fact: Fact; confidence: number; trials: number }

export type RuleTier = {
  /** The first rule that may answer, and the learned ones that only may be watched. */
  ask(question: string, mayWatch: boolean): Promise<{ answer: RuleAnswer | undefined; watched: readonly { rule: Answerer; fact: Fact }[] }>
}

export type RuleTierDeps = {
  answerers: readonly Answerer[]
  facts: () => Promise<RepositoryFacts | undefined>
  cache: AnswerCache | undefined
  /** In [0, 1). */
  random: () => number
}

/**
 * How sure a rule is. One that reads a fact is right by its examples, which are tests; one that was learned is as good as the lower 95 %
 * bound of how often a model agreed with it.
 */
export function confidenceOf(rule: Answerer, record: { agreed: number; trials: number }): { confidence: number; trials: number } {
  if (rule.kind === 'deterministic') return { confidence: 1, trials: rule.examples }
  return { confidence: wilsonInterval(record.agreed, record.trials).lower, trials: record.trials }
}

/** A learned rule has begun to answer, or has stopped. */
export type RuleChange = {
  rule_id: string
  version: string
  state: 'active' | 'shadow'
  confidence: number
  agreed: number
  trials: number
}

/** What one more comparison with a model changes about a learned rule; undefined while it goes on as it did. */
export function changeOf(
  rule: Answerer,
  version: string,
  before: { agreed: number; trials: number },
  after: { agreed: number; trials: number },
): RuleChange | undefined {
  const stateOf = (record: typeof before): RuleChange['state'] =>
    confidenceOf(rule, record).confidence > RULE_THRESHOLD ? 'active' : 'shadow'
  const state = stateOf(after)
  if (rule.kind !== 'learned' || state === stateOf(before)) return undefined
  return { rule_id: rule.id, version, state, confidence: confidenceOf(rule, after).confidence, ...after }
}

export function createRuleTier({ answerers, facts, cache, random }: RuleTierDeps): RuleTier {
  return {
    async ask(question, mayWatch) {
      const watched: { rule: Answerer; fact: Fact }[] = []
      for (const rule of answerers) {
        const slots = rule.match(question)
        const known = slots && (await facts())
        const fact = known && (await rule.answer(slots, known))
        if (!fact) continue
        const sure = confidenceOf(rule, cache?.ruleRecord(rule.id) ?? { agreed: 0, trials: 0 })
        const audited = mayWatch && rule.kind === 'learned' && random() < AUDIT_SHARE
        if (sure.confidence > RULE_THRESHOLD && !audited) return { answer: { rule, fact, ...sure }, watched }
        if (rule.kind === 'learned') watched.push({ rule, fact })
      }
      return { answer: undefined, watched }
    },
  }
}
