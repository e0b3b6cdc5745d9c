import { afterEach, expect, it } from 'vitest'
import { type Playground, candidateOf, createPlayground, patchOf } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

const manifest = (more: object): string => `${JSON.stringify({ version: '1.0.0', type: 'module', ...more }, null, 2)}\n`
const LIMIT = 'export function limit(value) {\n  return value > 10 ? 10 : value\n}\n'
const HEAD = "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\n"

/** Two packages; the tests of the first run its code and look at nothing, those of the second, which uses it, do. */
const WORKSPACE = {
  'package.json': manifest({ name: 'top', private: true, workspaces: ['packages/*'] }),
  'packages/core/package.json': manifest({ name: '@x/core', scripts: { test: 'node --test' } }),
  'packages/core/src/index.js': LIMIT,
  'packages/core/test/core.test.js': `${HEAD}import { limit } from '../src/index.js'\ntest('runs', () => assert.notEqual(limit(11) + limit(1), null))\n`,
  'packages/app/package.json': manifest({ name: '@x/app', scripts: { test: 'node --test' }, dependencies: { '@x/core': '1.0.0' } }),
  'packages/app/test/app.test.js': `${HEAD}import { limit } from '../../core/src/index.js'\ntest('limits', () => assert.deepEqual([limit(11), limit(10), limit(9)], [10, 10, 9]))\n`,
  'packages/other/package.json': manifest({ name: '@x/other', scripts: { test: 'node --test' } }),
  'packages/other/test/other.test.js': `${HEAD}test('stands', () => assert.ok(true))\n`,
}

it('what a package does not notice itself is asked of the packages that use it', async () => {
  place = createPlayground(WORKSPACE)
  const patch = patchOf('packages/core/src/index.js', LIMIT, (text) => text.replace('value > 10 ? 10 : value', 'Math.min(value, 10)'))
  const answer = await place.run(['improve', '--patch', '-'], { input: patch })
  const { control } = answer.json.data.baseline
  expect(control.planted, answer.stdout).toBeGreaterThan(0)
  expect(control.noticed).toBe(control.planted)
  expect(answer.json.data.plan.entries.map(({ id }: { id: string }) => id).sort()).toEqual([
    'node-test:packages/app',
    'node-test:packages/core',
    'node-test:packages/other',
  ])
  expect(candidateOf(answer).verdict).toBe('keep')
})

it('and a change that only the users of a package notice is rolled back', async () => {
  place = createPlayground(WORKSPACE)
  const patch = patchOf('packages/core/src/index.js', LIMIT, (text) => text.replace('value > 10 ? 10', 'value > 10 ? 11'))
  const { verdict, evidence } = candidateOf(await place.run(['improve', '--patch', '-'], { input: patch }))
  expect({ verdict, regressed: evidence.tests.regressed }).toEqual({
    verdict: 'roll_back',
    regressed: ['packages/app/test/app.test.js::limits'],
  })
})

it('a look with nothing new to find asks every suite about its own files', async () => {
  place = createPlayground({
    ...WORKSPACE,
    'package.json': manifest({ name: 'top', private: true, workspaces: ['packages/*'], scripts: { test: 'node --test test/' } }),
    'test/top.test.js': `${HEAD}test('stands', () => assert.ok(true))\n`,
  })
  const { blind_spots: spots, baseline, candidates } = (await place.run(['look'])).json.data
  expect(candidates).toEqual([])
  expect(baseline.control.planted).toBeGreaterThan(0)
  expect({ spots, noticed: baseline.control.noticed }).toEqual({ spots: [], noticed: baseline.control.planted })
})
