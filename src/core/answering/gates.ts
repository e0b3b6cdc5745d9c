import type { Meaning } from './meaning.ts'

/** The first gate a pair of requests does not pass. */
export type Gate = 'similarity' | 'slots' | 'polarity' | 'order' | 'content' | 'age' | 'quarantine' | 'producer'

/**
 * Whether two requests may share an answer, whatever an embedding says of them. null: they may. Embeddings put "enable" beside "disable"
 * and a question beside its reversal; these gates compare what a similarity cannot see. They refuse far more than they have to.
 */
export function refusingGate(a: Meaning, b: Meaning): Gate | null {
  if (!equal(a.slots, b.slots)) return 'slots'
  if (a.negations !== b.negations || opposed(a, b)) return 'polarity'
  if (a.frame !== b.frame || !sameContent(a, b)) return 'content'
  if (equal(placed(a, b), placed(b, a))) return null
  if (a.relational || b.relational || a.frame === 'whether') return 'order'
  // "the message of `connect`" and "in `connect` the message": without a relation only names keep their order, and words keep theirs
  const apart = [true, false].every((slot) => equal(placed(a, b, slot), placed(b, a, slot)))
  return apart ? null : 'order'
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index])
}

/** A pole of an axis on one side against the other pole on the other; or the direction turned round. */
function opposed(a: Meaning, b: Meaning): boolean {
  const turned = (a.direction === 'to' && b.direction === 'from') || (a.direction === 'from' && b.direction === 'to')
  const axes = (poles: readonly string[]): Map<string, string> => {
    const found = new Map<string, string>()
    for (const each of poles) {
      const [axis = '', pole = ''] = each.split(':')
      found.set(axis, (found.get(axis) ?? '') + pole)
    }
    return found
  }
  const theirs = axes(b.poles)
  return turned || [...axes(a.poles)].some(([axis, poles]) => theirs.has(axis) && theirs.get(axis) !== poles)
}

/** The same words on both sides. What sort of thing a name names may be left out on one side only. */
function sameContent(a: Meaning, b: Meaning): boolean {
  const [mine, theirs] = [new Set(a.tokens.map((each) => each.text)), new Set(b.tokens.map((each) => each.text))]
  const onlyMine = a.tokens.filter((each) => !each.optional && !theirs.has(each.text))
  const onlyTheirs = b.tokens.filter((each) => !each.optional && !mine.has(each.text))
  if (onlyMine.length > 0 && onlyTheirs.length > 0) return false
  return [...onlyMine, ...onlyTheirs].every((each) => each.kind) && mine.size > 0 && theirs.size > 0
}

/** What both sides name, in the order of one side; main verbs move freely. */
function placed(a: Meaning, b: Meaning, slot?: boolean): string[] {
  const shared = new Set(b.tokens.map((each) => each.text))
  const seen = a.tokens.filter((each) => !each.free && (slot === undefined || each.slot === slot) && shared.has(each.text)).map((each) => each.text)
  return seen.filter((each, index) => seen.indexOf(each) === index)
}
