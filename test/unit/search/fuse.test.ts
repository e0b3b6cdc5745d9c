import { describe, expect, it } from 'vitest'
import type { CandidateRow, LegHit } from '../../../src/core/search/candidates.ts'
import { type Legs, fuse } from '../../../src/core/search/fuse.ts'
import { readQuery } from '../../../src/core/search/query.ts'

const row = (doc: number): CandidateRow => ({
  id: doc,
  file: doc,
  chunk: doc,
  blob: doc,
  path: `src/f${doc}.c`,
  class: 'source',
  oid: '',
  language: 'c',
  line: 1,
  lineEnd: 9,
  start: 0,
  end: 9,
  symbol: null,
  name: null,
  kind: 'function',
  hash: `${doc}`,
})
const hits = (...scores: [doc: number, score: number][]): LegHit[] => scores.map(([doc, score]) => ({ doc, score }))
const order = (text: string, legs: Legs): number[] => fuse(readQuery(text), legs, row).map((each) => each.row.id)

const WORDS = hits([1, 9], [2, 8.9], [3, 5], [4, 1])
const MEANING = hits([9, 1], [4, 0.99], [3, 0.98], [2, 0.9], [1, 0.71])

describe('what is asked for as it is written', () => {
  it.each(['parseDate', 'src/date.c', '"cannot open file"', 'Error: cannot open file'])(
    '%s is ordered by words alone, with meaning behind the best of them',
    (text) => {
      const found = order(text, { words: WORDS, vector: MEANING })
      expect(found.filter((doc) => doc !== 9)).toEqual([1, 2, 3, 4])
      expect(found[0]).toBe(1)
      expect(found).toContain(9)
    },
  )

  it('is found by meaning where words find nothing', () => {
    expect(order('parseDate', { words: [], vector: MEANING })).toEqual([9, 4, 3, 2, 1])
  })
})

describe('a question', () => {
  it('is ordered by both, and the similarity counts as it is: nearly equal ones do not undo what words say', () => {
    const near = hits([4, 0.86], [3, 0.85], [2, 0.84], [1, 0.83])
    expect(order('how is a date parsed', { words: WORDS, vector: near })).toEqual([1, 2, 3, 4])
    expect(order('how is a date parsed', { words: hits([1, 2], [2, 1.9], [3, 1]), vector: hits([2, 0.95], [1, 0.71]) })).toEqual([2, 1, 3])
  })
})
