import type { Meaning, Token } from './meaning.ts'
import { samePlace } from './places.ts'
import { differInCapitals, sameWord } from './traits.ts'

/** The first gate a pair of requests does not pass. */
export type Gate = 'similarity' | 'slots' | 'polarity' | 'order' | 'content' | 'quarantine' | 'producer'

/**
 * Whether two requests may share an answer, whatever an embedding says of them. null: they may. Embeddings put "enable" beside "disable"
 * and a question beside its reversal; these gates compare what a similarity cannot see. They refuse far more than they have to.
 */
export function refusingGate(a: Meaning, b: Meaning): Gate | null {
  if (!equal(a.slots, b.slots)) return 'slots'
  if (a.negations !== b.negations || opposed(a, b)) return 'polarity'
  if (![...a.frames, ...a.like].some((each) => b.frames.includes(each))) return 'content'
  if (differInCapitals(a.capitals, b.capitals)) return 'content'
  const partners = pairUp(a.tokens, b.tokens)
  if (partners.size === 0 || !sameContent(a, b, partners)) return 'content'
  return mainVerbs(partners) && sameAmounts(a, b, partners) && inOrder(a, b, partners) ? null : 'order'
}

function equal(a: readonly unknown[], b: readonly unknown[]): boolean {
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

/** Which word of one side is which of the other: the same word first, then words that may mean the same; nothing twice. */
function pairUp(a: readonly Token[], b: readonly Token[]): Map<Token, Token> {
  const found = new Map<Token, Token>()
  const taken = new Set<Token>()
  const first = (tokens: readonly Token[]): Token[] =>
    tokens.filter((each, index) => tokens.findIndex((other) => other.text === each.text) === index)
  const [mine, theirs] = [first(a), first(b)]
  const pair = (wanted: readonly Token[], fits: (one: Token, other: Token) => boolean): void => {
    for (const one of wanted) {
      if (found.has(one)) continue
      const other = theirs.find((each) => !taken.has(each) && fits(one, each))
      if (other === undefined) continue
      found.set(one, other)
      taken.add(other)
    }
  }
  const alike = (one: Token, other: Token): boolean => one.senses.some((each) => other.senses.includes(each))
  pair(mine, (one, other) => one.text === other.text)
  pair(mine, (one, other) => !one.optional && !other.optional && alike(one, other))
  pair(mine, alike)
  // in the order of the first side
  return new Map(mine.flatMap((each) => (found.has(each) ? [[each, found.get(each)!] as const] : [])))
}

/** The same words on both sides. What sort of thing a name names may be left out on one side only. */
function sameContent(a: Meaning, b: Meaning, partners: ReadonlyMap<Token, Token>): boolean {
  const left = (meaning: Meaning, paired: readonly Token[]): Token[] => {
    const texts = new Set(paired.map((each) => each.text))
    return meaning.tokens.filter((each) => !each.optional && !texts.has(each.text))
  }
  if ([...partners].some(([mine, theirs]) => unbound(mine, theirs))) return false
  if ([...partners].some(([mine, theirs]) => mine.text === theirs.text && !mine.slot && !mine.optional && !sameForm(mine, theirs)))
    return false
  if ([...partners].some(([mine, theirs]) => !mine.optional && !theirs.optional && !samePlace(a, b, mine, theirs))) return false
  if (!adds(a, b) && [...partners].some(([mine, theirs]) => mine.slot && ONTO.has(`${mine.preposition} ${theirs.preposition}`)))
    return false
  const [onlyMine, onlyTheirs] = [left(a, [...partners.keys()]), left(b, [...partners.values()])]
  if (onlyMine.length > 0 && onlyTheirs.length > 0) return false
  // either may be missing, but one is not the other: "set the lock", "make the lock"
  const idle = ({ tokens }: Meaning, paired: Iterable<Token>): boolean => {
    const texts = new Set([...paired].map((each) => each.text))
    return tokens.some((each) => each.optional && !texts.has(each.text) && each.senses.some((sense) => sense.startsWith('v')))
  }
  if (idle(a, partners.keys()) && idle(b, partners.values())) return false
  const slack = (each: Token): boolean => each.vague && partners.size > 1
  return onlyMine.every((each) => slack(each) || describes(a, each)) && onlyTheirs.every((each) => slack(each) || describes(b, each))
}

/** "The binding" is not "the bind", nor is "the tagged commit" "the tag commit". */
function sameForm(mine: Token, theirs: Token): boolean {
  const bent = (each: Token): boolean => /(?:ed|ing)$/.test(each.word) && each.word !== each.text
  return sameWord(mine.word, theirs.word) && !(mine.thing && theirs.thing && bent(mine) !== bent(theirs))
}

/** Renamed to a name, renamed in a file. */
const ONTO = new Set(['to in', 'in to', 'to from', 'from to'])

const adds = (a: Meaning, b: Meaning): boolean => [a, b].every((each) => each.poles.includes('rival0:0'))

/** "For errors" against "with errors", "the branch" against "the branches". */
function unbound(mine: Token, theirs: Token): boolean {
  return mine.bound.some((each) => {
    const [axis] = each.split(':')
    // "docs" are "the documentation"
    if (axis === 'number' && mine.text !== theirs.text) return false
    return theirs.bound.some(
      (other) => other !== each && other.startsWith(`${axis}:`) && !other.endsWith(':some') && !each.endsWith(':some'),
    )
  })
}

/** Whether a word says what sort of thing the name beside it names. */
function describes(meaning: Meaning, token: Token): boolean {
  const at = meaning.tokens.indexOf(token)
  const beside = [meaning.tokens[at - 1], meaning.tokens[at + 1]]
  return token.kind && beside.some((each) => each?.slot === true && each.phrase === token.phrase)
}

/** "Group the users" and "add the user to the group". */
function verbAndPlace(verb: Token, place: Token): boolean {
  const apart = place.role === 'to' || place.role === 'from' || place.role === 'with'
  return verb.free && !verb.optional && !verb.thing && !place.free && apart && verb.role === ''
}

/** "Two tests of one function" are not "one test of two functions". */
function sameAmounts(a: Meaning, b: Meaning, partners: ReadonlyMap<Token, Token>): boolean {
  const counted = ({ tokens }: Meaning, token: Token): Token | undefined => tokens[tokens.indexOf(token) + 1]
  return [...partners].every(([mine, theirs]) => {
    if (!/^\d/.test(mine.text)) return true
    const [one, other] = [counted(a, mine), counted(b, theirs)]
    const partner = one && partners.get(one)
    return partner === undefined || other === undefined || partner === other || ![...partners.values()].includes(other)
  })
}

/** Whether the verb that may stand anywhere on one side is not just another one than on the other: "run to install", "install to run". */
function mainVerbs(partners: ReadonlyMap<Token, Token>): boolean {
  const said = [...partners].filter(([mine, theirs]) => !mine.optional && !theirs.optional)
  if ([...partners].some(([mine, theirs]) => verbAndPlace(mine, theirs) || verbAndPlace(theirs, mine))) return false
  // "log the change", "change the log"
  const turned = (one: Token, other: Token): boolean => one.free && !one.thing && other.thing && !other.free
  const all = [...partners]
  if (all.some(([mine, theirs]) => turned(mine, theirs)) && all.some(([mine, theirs]) => turned(theirs, mine))) return false
  return !(said.some(([mine, theirs]) => mine.free && !theirs.free) && said.some(([mine, theirs]) => !mine.free && theirs.free))
}

/** "By 300 ms", "of 300 ms": an amount says the same wherever it stands. */
const isAmount = (one: Token, other: Token): boolean =>
  /^\d/.test(one.text) && [one, other].every(({ preposition }) => /^(?:by|of|for)$/.test(preposition))

/**
 * Whether the words stand in the same order. Two may change places where each keeps its role ("in a.ts rename x to y", "rename x to y in
 * a.ts"), and where one describes the other ("the version of node", "the node version"); "rename y to x" does neither.
 */
function inOrder(a: Meaning, b: Meaning, partners: ReadonlyMap<Token, Token>): boolean {
  const placed = [...partners].filter(([mine, theirs]) => !mine.free && !theirs.free)
  return placed.every(([x, otherX], index) =>
    placed
      .slice(index + 1)
      .every(
        ([y, otherY]) =>
          (b.tokens.indexOf(otherX) < b.tokens.indexOf(otherY) &&
            !(adds(a, b) && (given(x, y, otherX, otherY) || given(otherX, otherY, x, y)))) ||
          moved(x, y, otherX, otherY) ||
          compound(x, y, otherX, otherY, adds(a, b)) ||
          (named(a, x, y) && named(b, otherX, otherY)) ||
          isAmount(x, otherX) ||
          isAmount(y, otherY),
      ),
  )
}

/** What stands where, roughly: on what it is done, where, with what, from where, under which condition. */
const PLACE = new Map(Object.entries({ at: 'place', to: 'place', over: 'place', if: 'case', before: 'case', after: 'case' }))

/** One of the two keeps its role, and they never have the same one. */
function moved(x: Token, y: Token, otherX: Token, otherY: Token): boolean {
  const [one, two, otherOne, otherTwo] = [x, y, otherX, otherY].map(({ role }) => PLACE.get(role) ?? role)
  return (one === otherOne || two === otherTwo) && one !== two && otherOne !== otherTwo
}

/** "The decorator `x`" is "the `x` decorator". */
function named({ tokens }: Meaning, x: Token, y: Token): boolean {
  return x.slot !== y.slot && x.phrase === y.phrase && Math.abs(tokens.indexOf(x) - tokens.indexOf(y)) === 1
}

/** "Add an x to a y" against "add an x y". */
function given(x: Token, y: Token, otherX: Token, otherY: Token): boolean {
  return y.role === 'to' && x.phrase !== y.phrase && otherX.phrase === otherY.phrase && !y.slot
}

/** "The x of y" and "y x"; "add an x to y" and "add a y x". */
function compound(x: Token, y: Token, otherX: Token, otherY: Token, adding: boolean): boolean {
  const joins = ({ role }: Token, head: Token): boolean => role === 'at' || (adding && role === 'to' && !head.definite)
  if (x.phrase === y.phrase) return otherX.phrase !== otherY.phrase && joins(otherX, otherY)
  return otherX.phrase === otherY.phrase && joins(y, x)
}
