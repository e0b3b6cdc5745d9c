import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Gate, loadLexicon, type Meaning, meaningOf, refusingGate } from '../../../src/core/answering/index.ts'
import { mutations, type Pair, paraphrases, subjectPairs } from '../../support/request-pairs.ts'

const lexicon = loadLexicon(join(import.meta.dirname, '..', '..', '..', 'templates_data'))
const known = new Map<string, Meaning>()

/** The gates alone: as if an embedder had said 1.0 of every pair. */
function gate({ a, b }: Pair): Gate | null {
  for (const text of [a, b]) if (!known.has(text)) known.set(text, meaningOf(text, lexicon))
  return refusingGate(known.get(a)!, known.get(b)!)
}

test('of at least 4,000 pairs that differ in one thing that matters none passes, either way round', () => {
  const pairs = [...mutations(), ...paraphrases('tuning').changed, ...paraphrases('held-out').changed]
  expect(pairs.length).toBeGreaterThanOrEqual(4_000)
  expect(new Set(pairs.map(({ kind }) => kind)).size).toBe(11)
  expect(pairs.flatMap((pair) => [pair, { ...pair, a: pair.b, b: pair.a }]).filter((pair) => gate(pair) === null)).toEqual([])
})

test('no two commit subjects of this repository are taken for the same', () => {
  const pairs = subjectPairs()
  expect(pairs.length).toBeGreaterThan(30_000)
  expect(pairs.filter((pair) => gate(pair) === null)).toEqual([])
})

// The gates may only be loosened where none of the pairs above gets through.
test('of the paraphrases they were tuned with, six of ten pass', () => {
  const { same } = paraphrases('tuning')
  expect(same.filter((pair) => gate(pair) === null).length / same.length).toBeGreaterThan(0.6)
})

test('of the 306 paraphrases that were committed before the gates, six of ten pass', () => {
  const { same } = paraphrases('first')
  expect(same.length).toBeGreaterThanOrEqual(300)
  expect(same.filter((pair) => gate(pair) === null).length / same.length).toBeGreaterThanOrEqual(0.6)
})

// Six of ten was the aim; of those written by somebody else 29 % pass. It was 36 % before the pairs of somebody else told how loose that was.
test('of at least 300 paraphrases nobody tuned for, a quarter passes', () => {
  const { same } = paraphrases('held-out')
  expect(same.length).toBeGreaterThanOrEqual(300)
  expect(same.filter((pair) => gate(pair) === null).length / same.length).toBeGreaterThan(0.266)
})

test('every request passes for itself', () => {
  for (const { a, b } of paraphrases('tuning').same)
    for (const text of [a, b]) expect({ text, gate: gate({ kind: 'self', a: text, b: text }) }).toEqual({ text, gate: null })
})

test.each<[Gate, string, string]>([
  ['slots', 'Explain `readAll`', 'Explain `readFile`'],
  ['slots', 'Set the port to 8080', 'Set the port to 8081'],
  ['polarity', 'Enable the cache', 'Disable the cache'],
  ['polarity', 'Why does it return null?', 'Why does it not return null?'],
  ['order', 'Merge main into develop', 'Merge develop into main'],
  ['content', 'Explain the parser', 'Explain the printer'],
  ['content', 'How do I delete a branch?', 'Delete a branch'],
  ['content', 'Delete all branches', 'Delete all merged branches'],
  ['content', 'Drop the test database', 'Drop the database'],
])('%s: "%s" is not "%s"', (which, a, b) => {
  expect(gate({ kind: which, a, b })).toBe(which)
})
