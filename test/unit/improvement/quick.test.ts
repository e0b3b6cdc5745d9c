import { expect, it } from 'vitest'
import { quickFiles, suitesWith } from '../../../src/core/improvement/quick.ts'
import type { EntryBaseline } from '../../../src/core/validation/index.ts'

const suite = (wallMs: number, fileMs: Record<string, number>): EntryBaseline => ({
  entryId: 'pytest',
  statuses: {},
  flaky: [],
  red: [],
  runs: 1,
  wallMs,
  cpuMs: null,
  coarse: false,
  files: Object.keys(fileMs),
  fileMs,
})
const FILES = ['slow.py', 'b.py', 'a.py', 'c.py']

it('takes the fastest files of a long suite, as far as half a minute goes', () => {
  const long = suite(400_000, { 'slow.py': 380_000, 'b.py': 9000, 'a.py': 1000, 'c.py': 25_000 })
  expect(quickFiles([long], FILES)).toEqual(['a.py', 'b.py'])
  expect(quickFiles([long], ['slow.py', 'c.py'])).toEqual(['c.py'])
  expect(quickFiles([long], ['slow.py'])).toBeUndefined()
  expect(quickFiles([long], ['a.py', 'b.py'])).toBeUndefined()
})

it('leaves short suites and files of unknown time as they are', () => {
  expect(quickFiles([suite(50_000, { 'slow.py': 40_000, 'a.py': 1 })], FILES)).toBeUndefined()
  expect(quickFiles([suite(400_000, {})], FILES)).toBeUndefined()
  expect(quickFiles([suite(400_000, { 'a.py': 10 })], FILES)).toEqual(['a.py'])
})

it('asks only the suites that have a quick file', () => {
  const entries = [{ id: 'pytest' }, { id: 'jest' }]
  const jest = { ...suite(1000, { 'x.js': 10 }), entryId: 'jest' }
  expect(suitesWith(entries, [suite(1000, { 'a.py': 10 }), jest], ['a.py'])).toEqual([{ id: 'pytest' }])
})
