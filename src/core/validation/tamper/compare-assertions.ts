import type { AssertionFact } from '../../analysis/index.ts'
import type { Weakening } from '../evidence.ts'

/** What happened between the assertions of one test and those of its successor. */
export type AssertionChange = {
  findings: { kind: Weakening['kind']; line: number; detail: string; proven: boolean; words: string }[]
  /** Base assertions without any successor in this test. */
  removed: AssertionFact[]
  /** Candidate assertions without any predecessor. */
  added: AssertionFact[]
}

/** Matchers of the same demand under two names: changing one for the other is no weakening. */
const shown = (fact: AssertionFact): string =>
  `${fact.matcher}(${[fact.subject, fact.expected].filter((part) => part !== '').join(', ')})`.slice(0, 160)

export const keyOf = (fact: AssertionFact): string => [fact.matcher, fact.subject, fact.expected, fact.tolerance ?? ''].join('\u0000')

/** Pairs assertions by all they say, then by subject, then by what they expect, and judges each pair. */
export function compareAssertions(base: readonly AssertionFact[], candidate: readonly AssertionFact[]): AssertionChange {
  const change: AssertionChange = { findings: [], removed: [], added: [] }
  let left = [...base]
  let right = [...candidate]
  const pairUp = (same: (a: AssertionFact, b: AssertionFact) => boolean, judge: (a: AssertionFact, b: AssertionFact) => void): void => {
    left = left.filter((a) => {
      const at = right.findIndex((b) => same(a, b))
      if (at < 0) return true
      judge(a, right[at]!)
      right.splice(at, 1)
      return false
    })
  }
  pairUp(
    (a, b) => keyOf(a) === keyOf(b) && a.disabled === b.disabled,
    () => {},
  )
  pairUp(
    (a, b) => keyOf(a) === keyOf(b),
    (a, b) => judgeReach(a, b, change),
  )
  pairUp(
    (a, b) => a.subject === b.subject && a.matcher === b.matcher && a.expected === b.expected,
    (a, b) => judgePair(a, b, change),
  )
  pairUp(
    (a, b) => a.subject !== '' && a.subject === b.subject && a.expected === b.expected,
    (a, b) => judgePair(a, b, change),
  )
  pairUp(
    (a, b) => a.subject !== '' && a.subject === b.subject,
    (a, b) => judgePair(a, b, change),
  )
  pairUp(
    (a, b) => a.subject === '' && a.subject === b.subject && a.matcher === b.matcher,
    (a, b) => judgePair(a, b, change),
  )
  pairUp(
    (a, b) =>
      a.matcher === b.matcher && (a.expected !== '' ? a.expected === b.expected : a.subject.split(' ')[0] === b.subject.split(' ')[0]),
    (a, b) =>
      change.findings.push({
        kind: 'unclassified',
        line: b.line,
        detail: `asserts something else: ${shown(a)} -> ${shown(b)}`,
        proven: false,
        words: '',
      }),
  )
  change.removed = left
  change.added = right
  return change
}

function judgeReach(a: AssertionFact, b: AssertionFact, change: AssertionChange): void {
  if (b.disabled === null) return
  const swallowed = b.disabled === 'swallowed'
  change.findings.push({
    kind: swallowed ? 'looser_assertion' : 'fewer_assertions',
    line: b.line,
    detail: swallowed ? `its failure is caught and dropped: ${shown(a)}` : `it is never reached: ${shown(a)}`,
    proven: a.disabled === null,
    words: '',
  })
}

function judgePair(a: AssertionFact, b: AssertionFact, change: AssertionChange): void {
  const add = (kind: Weakening['kind'], proven: boolean, why: string): void => {
    change.findings.push({ kind, line: b.line, detail: `${why}: ${shown(a)} -> ${shown(b)}`, proven, words: `${a.expected} ${a.matcher}` })
  }
  if (b.disabled !== null && a.disabled === null) return judgeReach(a, b, change)
  const sameTolerance = a.tolerance === b.tolerance
  if (a.matcher === b.matcher && a.expected === b.expected && !sameTolerance) {
    if (a.tolerance !== null && b.tolerance !== null && b.tolerance > a.tolerance * 1.0001)
      return add('looser_tolerance', true, `tolerance ${a.tolerance} -> ${b.tolerance}`)
    return add('unclassified', false, 'tolerance changed')
  }
  // From something that can fail to something that hardly can.
  if (b.strength < a.strength && b.strength <= 2) return add('looser_assertion', true, 'demands less')
  if (b.strength < a.strength) return add('looser_assertion', false, 'may demand less')
  if (a.expected !== b.expected) return add('unclassified', false, 'expects something else')
  if (a.matcher !== b.matcher && b.strength === a.strength) return add('unclassified', false, 'another matcher')
}
