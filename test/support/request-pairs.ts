import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Pair = { kind: string; a: string; b: string }

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'answering')
/** The gates were tuned with all of these. */
const TUNING = ['dev', 'dev-2', 'dev-3', 'dev-4', 'held-out'].map((name) => `paraphrases-${name}.txt`)
/** Written by somebody who does not know the gates; for measuring only. */
const FILES = {
  tuning: TUNING,
  /** Committed before the first gates were written; tuned with since. */
  first: ['paraphrases-held-out.txt'],
  'held-out': ['paraphrases-held-out-2.txt'],
}
const REFUSED = ['must-refuse.txt', 'must-refuse-2.txt', 'must-refuse-3.txt', 'must-refuse-4.txt', 'must-refuse-5.txt']
const SLOT = /\[(neg|ant|swap|id|path|num|ver|lang|flag|str|word):([^\]]*)\]/g

function lines(name: string): string[] {
  return readFileSync(join(FOLDER, name), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

/** The line with every first choice, and with exactly one other choice each. */
function expand(line: string): { first: string; others: { kind: string; text: string }[] } {
  const write = (at: number, choice: number): string => {
    let index = 0
    return line.replace(SLOT, (_whole, _kind, choices: string) => choices.split('|')[index++ === at ? choice : 0] ?? '')
  }
  const others = [...line.matchAll(SLOT)].flatMap(([, kind = '', choices = ''], at) =>
    choices
      .split('|')
      .slice(1)
      .map((_text, choice) => ({ kind, text: write(at, choice + 1) })),
  )
  return { first: write(-1, 0), others }
}

/** Requests that differ in one thing. */
export function mutations(): Pair[] {
  return REFUSED.flatMap(lines).flatMap((line) => {
    const { first, others } = expand(line)
    return others.map(({ kind, text }) => ({ kind, a: first, b: text }))
  })
}

/** The same in other words, and in other words with one thing changed. */
export function paraphrases(set: keyof typeof FILES): { same: Pair[]; changed: Pair[] } {
  const found: { same: Pair[]; changed: Pair[] } = { same: [], changed: [] }
  for (const line of FILES[set].flatMap(lines)) {
    const [a = '', right = ''] = line.split(' => ')
    const { first, others } = expand(right)
    found.same.push({ kind: 'same', a, b: first })
    for (const { kind, text } of others) found.changed.push({ kind, a, b: text })
  }
  return found
}

/** Every two of some hundred commit subjects. */
export function subjectPairs(): Pair[] {
  const subjects = lines('commit-subjects.txt')
  return subjects.flatMap((a, index) => subjects.slice(index + 1).map((b) => ({ kind: 'subject', a, b })))
}
