import { describe, expect, it } from 'vitest'
import { type Artifact, NEVER_USED, SCORE_WEIGHTS, codeFactor, figuresOf, scoreOf } from '../../../src/core/search/artifact.ts'
import { sectionsOf } from '../../../src/core/search/documents.ts'
import { searchKnowledge } from '../../../src/core/search/knowledge.ts'
import { readQuery } from '../../../src/core/search/query.ts'
import type { SearchRequest } from '../../../src/core/search/result.ts'
import { BUCKETS } from '../../support/search.ts'

const DAY = 86_400_000
const NOW = 1_000 * DAY

describe('the score', () => {
  it('is 0.7 similarity + 0.2 success rate + 0.1 recency', () => {
    expect(scoreOf({ similarity: 0.94, successRate: 0.98, recency: 0.56 }, SCORE_WEIGHTS)).toBeCloseTo(0.91, 10)
  })

  it('takes what was never tried as neither good nor bad, and other weights by their shares', () => {
    expect(scoreOf({ similarity: 1, successRate: null, recency: null }, SCORE_WEIGHTS)).toBeCloseTo(0.8, 10)
    const only = { similarity: 0, success: 2, recency: 0, halfLifeDays: 30 }
    expect(scoreOf({ similarity: 0.1, successRate: 0.6, recency: 1 }, only)).toBeCloseTo(0.6, 10)
  })

  it('halves the recency with every half-life', () => {
    const past = { uses: 4, successes: 3, lastUsedAt: NOW - 60 * DAY }
    expect(figuresOf(past, NOW, 30)).toEqual({ successRate: 0.75, usageCount: 4, recency: 0.25 })
    expect(figuresOf(past, NOW, 60).recency).toBe(0.5)
    expect(figuresOf(NEVER_USED, NOW, 30)).toEqual({ successRate: null, usageCount: 0, recency: null })
  })

  it('of code moves within its bound, and not at all without a past', () => {
    expect(codeFactor({ successRate: null, usageCount: 0, recency: null }, 0.5)).toBe(1)
    const best = codeFactor({ successRate: 1, usageCount: 1e9, recency: 1 }, 0.2)
    const worst = codeFactor({ successRate: 0, usageCount: 1e9, recency: 0 }, 0.2)
    expect([best, worst]).toEqual([expect.closeTo(1.2, 6), expect.closeTo(0.8, 6)])
    expect(codeFactor({ successRate: 1, usageCount: 1, recency: 1 }, 0.2)).toBeLessThan(best)
  })
})

const artifact = (id: string, content: string, more: Partial<Artifact> = {}): Artifact => ({
  id,
  kind: 'rule',
  name: id,
  content,
  languages: [],
  path: null,
  line: null,
  lineEnd: null,
  past: NEVER_USED,
  ...more,
})

const ALL = [
  artifact('good', 'retry delay doubles', { past: { uses: 10, successes: 10, lastUsedAt: NOW } }),
  artifact('evil', 'retry delay doubles', { past: { uses: 10, successes: 0, lastUsedAt: NOW }, languages: ['python'] }),
  artifact('other', 'parse a calendar date', { path: 'docs/date.md', line: 3, lineEnd: 9 }),
]

const find = (text: string, request: Omit<SearchRequest, 'text'> = {}, space: typeof BUCKETS | undefined = BUCKETS) =>
  searchKnowledge(ALL, readQuery(text), { text, ...request }, request.limit ?? 5, {
    weights: SCORE_WEIGHTS,
    floor: 0.7,
    now: NOW,
    space,
    known: new Map(),
  })
const ids = async (...args: Parameters<typeof find>): Promise<string[]> => (await find(...args)).artifacts.map(({ id }) => id)

describe('what is known', () => {
  it('is ranked by what became of it, and every score follows from the figures beside it', async () => {
    const { artifacts, model } = await find('retry delay doubles')
    expect(artifacts.map(({ id }) => id)).toEqual(['good', 'evil'])
    expect(model).toBe('buckets')
    for (const { similarity, successRate, recency, score } of artifacts)
      expect(score).toBeCloseTo(0.7 * similarity! + 0.2 * successRate! + 0.1 * recency!, 10)
  })

  it('keeps to language, path and limit', async () => {
    expect(await ids('retry delay doubles', { language: 'python' })).toEqual(['evil'])
    expect(await ids('parse a calendar date', { path: 'docs/**' })).toEqual(['other'])
    expect(await ids('parse a calendar date', { path: 'src/**' })).toEqual([])
    expect(await ids('retry delay doubles', { limit: 1 })).toEqual(['good'])
  })

  it('is found by words alone where no model answers, and nonsense finds nothing', async () => {
    expect(await find('retry delay', { lexical: true })).toMatchObject({ model: null, artifacts: [{ similarity: null }, {}] })
    expect(await ids('calendar', {}, undefined)).toEqual(['other'])
    expect(await ids('zqxv wvut', {}, undefined)).toEqual([])
    expect(await ids('&&&', {}, undefined)).toEqual([])
  })
})

describe('sections of documents', () => {
  it('begin at headings, not inside of fences, and keep their lines', () => {
    const text = 'intro\n\n# One #\nfirst\n```sh\n# no heading\n```\n\n## Two\nsecond\n\n'
    expect(sectionsOf('docs/a.md', text).map(({ name, line, lineEnd }) => [name, line, lineEnd])).toEqual([
      ['a.md', 1, 1],
      ['One', 3, 7],
      ['Two', 9, 10],
    ])
  })

  it('hide credentials', () => {
    const [section] = sectionsOf('a.md', `# Key\nAKIA${'ABCDEFGHIJKLMNOP'}\n`)
    expect(section!.content).not.toContain('ABCDEFGHIJKLMNOP')
  })
})
