import type { Meaning, Token } from './meaning.ts'

/** Prepositions that say the same before anything. */
const SAME = new Set(
  [
    'if when once whenever while during on upon',
    'in of inside',
    'in on',
    'to into onto',
    'on onto',
    'in to',
    'in into',
    'with using via through',
    'between of',
    'between among across',
    'for of',
    'for on',
    'about on',
    'about of',
    'that which who',
    'than insteadof',
    'since from',
    'after then',
    'over above',
    'until till',
  ].flatMap((words) => pairsOf(words.split(' '))),
)
/** Before something that is done: "a script to rename", "a script that renames", "a script for renaming". */
const DOING = new Set(pairsOf(['that', 'to', 'for', 'so']))
/** Before a state: "for an empty list", "if the list is empty". */
const STATE = new Set([...pairsOf(['for', 'if']), ...pairsOf(['for', 'when'])])
/** After what turns one thing into another. */
const TURNING = new Set(pairsOf(['as', 'to', 'into', 'in']))
/** After what takes something away, or hands it out. */
const TAKING = new Set(pairsOf(['from', 'in', 'of']))
/** "The size of the file" is "the file size": the place says it. */
const SILENT = new Set([
  'of',
  'for',
  'in',
  'to',
  'into',
  'that',
  'from',
  'than',
  'if',
  'when',
  'as',
  'between',
  'over',
  'with',
  'without',
  'by',
])
const TAKES = /^(?:remov|drop|delet|strip|eliminat|eras|show|export|return|call)$/

function pairsOf(words: readonly string[]): string[] {
  return words.flatMap((one) => words.map((other) => `${one} ${other}`))
}

/** Whether two words stand in places that may say the same: "for 5 minutes" is not "in 5 minutes", "to `x`" is not "from `x`". */
export function samePlace(a: Meaning, b: Meaning, mine: Token, theirs: Token): boolean {
  const [one, other] = [mine.preposition, theirs.preposition]
  if (one === other) return true
  const amount = /^\d/.test(mine.text)
  if (one === '' || other === '') return amount ? /^(?:of)?$/.test(one + other) : SILENT.has(one + other)
  const pair = `${one} ${other}`
  if (amount) return pairsOf(['for', 'of']).includes(pair) || SAME.has(pair)
  if (SAME.has(pair)) return true
  const heads = [headOf(a, mine), headOf(b, theirs)]
  if (DOING.has(pair) && heads.every(({ slot, senses }) => !slot && senses.some((each) => each.startsWith('v')))) return true
  if (STATE.has(pair)) return heads.every(({ slot }) => !slot)
  if (TURNING.has(pair)) return !mine.slot
  if (/^(?:for to|to for)$/.test(pair)) return [a, b].every(({ poles }) => poles.includes('rival0:0'))
  return TAKING.has(pair) && [a, b].every(({ tokens }) => tokens.some(({ text }) => TAKES.test(text)))
}

const headOf = ({ tokens }: Meaning, token: Token): Token =>
  tokens.find(({ phrase, optional }) => phrase === token.phrase && !optional) ?? token
