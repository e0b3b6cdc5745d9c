import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenizer, findDuplicates } from '../../../src/core/analysis/index.ts'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'

const tokensOf = (ids: readonly number[]) => ({
  ids: Int32Array.from(ids),
  rows: Int32Array.from(ids, (_id, at) => at),
  rowEnds: Int32Array.from(ids, (_id, at) => at),
})
const find = (files: readonly (readonly number[])[], least: number) =>
  findDuplicates(
    files.map((ids, at) => ({ path: `f${at}`, tokens: tokensOf(ids), test: false })),
    least,
  )
const places = (files: readonly (readonly number[])[], least: number) =>
  find(files, least).groups.map((group) => group.places.map(({ path, lineStart, lineEnd }) => `${path}:${lineStart}-${lineEnd}`))

let next = 1000
/** Tokens that stand nowhere else. */
const fresh = (count: number): number[] => Array.from({ length: count }, () => next++)

describe('runs of equal tokens', () => {
  it('are told from their first to their last token', () => {
    const run = fresh(12)
    expect(
      places(
        [
          [...fresh(5), ...run, ...fresh(3)],
          [...run, ...fresh(9)],
        ],
        10,
      ),
    ).toEqual([['f0:6-17', 'f1:1-12']])
    expect(
      places(
        [
          [...fresh(5), ...run.slice(0, 9), ...fresh(3)],
          [...run, ...fresh(9)],
        ],
        10,
      ),
    ).toEqual([])
  })

  it('are one group wherever they stand, in one file too', () => {
    const run = fresh(20)
    expect(places([[...run, ...fresh(4), ...run], fresh(30), run], 10)).toEqual([['f0:1-20', 'f0:25-44', 'f2:1-20']])
  })

  it('do not count twice what is a part of something longer', () => {
    const run = fresh(40)
    const other = fresh(3)
    expect(places([run, [...other, ...run], [...run.slice(10, 30), ...fresh(5)]], 10)).toEqual([
      ['f0:1-40', 'f1:4-43'],
      // two of the three stand in the longer one as well, the third nowhere else
      ['f1:14-33', 'f2:1-20'],
    ])
  })

  it('that go on into themselves do not overlap', () => {
    const { groups, duplicated } = find([Array.from({ length: 100 }, (_, at) => at % 12)], 10)
    for (const { places: all } of groups)
      for (const [at, place] of all.slice(1).entries()) expect(place.lineStart).toBeGreaterThan(all[at]!.lineEnd)
    expect(duplicated).toBeGreaterThan(50)
    expect(find([Array.from({ length: 100 }, () => 7)], 10).groups.flatMap((group) => group.places).length).toBeLessThan(12)
  })

  it('are all found, and are all equal: against a search of every pair', () => {
    const token = fc.integer({ min: 0, max: 2 })
    const file = fc.array(token, { maxLength: 40 })
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 3 }), fc.array(token, { minLength: 6, maxLength: 12 }), (files, run) => {
        const all = [...files.map((ids) => [...ids, 100, ...run, 101]), run]
        const found = find(all, 6)
        for (const { tokens, places: some } of found.groups) {
          const texts = some.map(({ path, lineStart, lineEnd }) => all[Number(path.slice(1))]!.slice(lineStart - 1, lineEnd).join())
          expect(new Set(texts).size).toBe(1)
          expect(some.every(({ lineStart, lineEnd }) => lineEnd - lineStart + 1 === tokens)).toBe(true)
          expect(some.length).toBeGreaterThan(1)
        }
        // the planted run stands in every file: each of them is in some group with all of its place
        for (const [at, ids] of all.entries()) {
          const from = at === files.length ? 0 : ids.indexOf(100) + 1
          const covered = new Set(
            found.groups.flatMap((group) =>
              group.places
                .filter(({ path }) => path === `f${at}`)
                .flatMap(({ lineStart, lineEnd }) => Array.from({ length: lineEnd - lineStart + 1 }, (_, i) => lineStart - 1 + i)),
            ),
          )
          for (let i = 0; i < run.length; i++) expect(covered.has(from + i)).toBe(true)
        }
      }),
      { seed: 7, numRuns: 300 },
    )
  })

  it('take time in proportion to their number', () => {
    const files = (count: number) => Array.from({ length: count }, () => Array.from({ length: 2000 }, (_, at) => (at * at) % 1013))
    const timeOf = (count: number): number => {
      const given = files(count)
      const start = performance.now()
      find(given, 50)
      return performance.now() - start
    }
    timeOf(20)
    const [small, large] = [Math.min(timeOf(20), timeOf(20), timeOf(20)), Math.min(timeOf(160), timeOf(160), timeOf(160))]
    expect(large / small).toBeLessThan(8 * 4)
  })
})

describe('tokens', () => {
  const reader = createFactReader(packagedParsing)
  const groupsOf = async (sources: Record<string, string>, normalized: boolean) => {
    const files = Object.entries(sources).map(([path, text]) => ({ path, bytes: Buffer.from(text) }))
    const facts = await reader.read(files)
    const tokenize = createTokenizer({ normalized })
    return findDuplicates(
      files.map(({ path, bytes }, at) => ({ path, tokens: tokenize(bytes, facts[at]!), test: path.startsWith('test/') })),
      20,
    ).groups
  }
  const sum = (name: string, step: string, text: string): string =>
    `function ${name}(list) {\n  // a comment of ${name}\n  let all = ${step}\n  for (const each of list) {\n    if (each > 0) all += each * ${step}\n  }\n  return [all, '${text}']\n}\n`

  it('leave out white space and comments', async () => {
    const one = sum('sum', '1', 'é')
    const other = one.replaceAll(/ +\/\/.*\n/g, '').replaceAll('  ', '\t')
    expect(await groupsOf({ 'a.js': `const x = 1\n${one}`, 'b.js': other }, false)).toMatchObject([
      {
        lines: 8,
        places: [
          { path: 'a.js', lineStart: 2, lineEnd: 9 },
          { path: 'b.js', lineStart: 1, lineEnd: 7 },
        ],
      },
    ])
  })

  it('in tests alone stand behind all others, however many they are', async () => {
    const [one, other] = [sum('sum', '1', 'a'), sum('total', '2', 'b')]
    const groups = await groupsOf({ 'a.js': one, 'b.js': one, 'test/a.js': other + other, 'test/b.js': other }, false)
    expect(groups.map(({ test, places: all }) => [test, all.length])).toEqual([
      [false, 2],
      [true, 3],
    ])
  })

  it('see through other names, numbers and strings only where they are asked to', async () => {
    const files = {
      'a.js': sum('sum', '1', 'a'),
      'b.js': sum('total', '22', 'another'),
      'c.js': sum('total', '22', 'x').replace('if', 'while'),
    }
    expect(await groupsOf(files, false)).toEqual([])
    expect(
      (await groupsOf(files, true)).flatMap(({ places: all }) => all.map(({ path, lineStart, lineEnd }) => [path, lineStart, lineEnd])),
    ).toEqual([
      ['a.js', 1, 8],
      ['b.js', 1, 8],
    ])
  })
})
