import type { Meaning, Token } from './meaning.ts'

/** The first gate a pair of requests does not pass. */
export type Gate = 'similarity' | 'slots' | 'polarity' | 'order' | 'content' | 'quarantine' | 'producer'

/**
 * Whether two requests may share an answer, whatever an embedding says of them. null: they may. Embeddings put "enable" beside "disable"
 * and a question beside its reversal; these gates compare what a similarity cannot see. They refuse far more than they have to.
 */
export function refusingGate(a: Meaning, b: Meaning): Gate | null {
  if (!equal(a.slots, b.slots)) return 'slots'
  if (a.negations !== b.negations || opposed(a, b)) return 'polarity'
  if ((a.frame !== b.frame && !a.like.includes(b.frame)) || !sameContent(a, b)) return 'content'
  const alike = [placed, compounds, phrases].some((form) => equal(form(a, b), form(b, a)))
  return alike ? null : 'order'
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
  return (
    turned || [...axes(a.poles)].some(([axis, poles]) => theirs.has(axis) && ![...poles].some((pole) => theirs.get(axis)!.includes(pole)))
  )
}

/** The same words on both sides. What sort of thing a name names may be left out on one side only. */
function sameContent(a: Meaning, b: Meaning): boolean {
  const [mine, theirs] = [new Set(a.tokens.map((each) => each.text)), new Set(b.tokens.map((each) => each.text))]
  const onlyMine = a.tokens.filter((each) => !each.optional && !theirs.has(each.text))
  const onlyTheirs = b.tokens.filter((each) => !each.optional && !mine.has(each.text))
  if (onlyMine.length > 0 && onlyTheirs.length > 0) return false
  return onlyMine.every((each) => describes(a, each)) && onlyTheirs.every((each) => describes(b, each)) && mine.size > 0
}

/** Whether a word says what sort of thing the name beside it names. */
function describes(meaning: Meaning, token: Token): boolean {
  const at = meaning.tokens.indexOf(token)
  const beside = [meaning.tokens[at - 1], meaning.tokens[at + 1]]
  return token.kind && beside.some((each) => each?.slot === true && each.phrase === token.phrase)
}

/** What both sides name; main verbs move freely. */
function sharedWith(a: Meaning, b: Meaning): Token[] {
  const shared = new Set(b.tokens.map((each) => each.text))
  const free = new Set([...a.tokens, ...b.tokens].filter((each) => each.free).map((each) => each.text))
  const seen = a.tokens.filter((each) => !free.has(each.text) && shared.has(each.text))
  return seen.filter((each, index) => seen.findIndex((other) => other.text === each.text) === index)
}

function placed(a: Meaning, b: Meaning): string[] {
  return sharedWith(a, b).map((each) => each.text)
}

/** "The version of node" as "the node version": the word such a phrase belongs to stays last. */
function compounds(a: Meaning, b: Meaning): string[] {
  const found: Token[] = []
  for (const each of sharedWith(a, b)) {
    if (each.role === 'at' && found.length > 0) found.splice(-1, 0, each)
    else found.push(each)
  }
  return found.map((each) => each.text)
}

/** The same by phrases: "in a.ts rename x to y" and "rename x to y in a.ts" have the same ones, "rename y to x" has not. */
function phrases(a: Meaning, b: Meaning): string[] {
  const found = new Map<number, string>()
  for (const { phrase, role, text } of sharedWith(a, b)) found.set(phrase, `${found.get(phrase) ?? role} ${text}`)
  return [...found.values()].sort()
}
