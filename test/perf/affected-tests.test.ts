import { expect, it } from 'vitest'
import * as analysis from '../../src/core/analysis/index.ts'
import * as git from '../../src/core/git/index.ts'
import * as parsing from '../../src/core/parsing/index.ts'
import * as faults from '../../src/core/validation/faults/faults.ts'
// @ts-expect-error -- a script without types
import { measureBundled } from '../../bench/affected.mjs'

type Found = Record<'completeFailing' | 'completeHit' | 'complete' | 'completeShare' | 'failing' | 'hit', number> & { missed: object[] }

it('tests that a planted fault turns red are among the affected ones, and those are not all', { timeout: 120_000 }, async () => {
  const found: Found[] = await measureBundled({ analysis, git, parsing, faults })
  const sum = (key: Exclude<keyof Found, 'missed'>): number => found.reduce((total, each) => total + each[key], 0)
  expect(sum('completeFailing')).toBeGreaterThanOrEqual(5)
  expect(sum('completeHit') / sum('completeFailing'), JSON.stringify(found.flatMap(({ missed }) => missed))).toBeGreaterThanOrEqual(0.95)
  expect(sum('completeShare') / sum('complete')).toBeLessThan(0.9)
})
