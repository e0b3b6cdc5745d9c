import { afterEach, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, TINY, candidateOf, createPlayground } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

it('a baseline does not outlive the dependencies it was measured with: no candidate is blamed for an update', async () => {
  const uses = "import { test } from 'node:test'\nimport assert from 'node:assert/strict'\nimport dep from 'dep'\n"
  const many = Array.from({ length: 12 }, (_value, index) => `test('green ${index}', () => assert.ok(true))\n`).join('')
  place = createPlayground({
    ...TINY,
    '.gitignore': 'node_modules\n',
    'test/dep.test.js': `${uses}${many}test('the old dependency', () => assert.equal(dep, 1))\n`,
  })
  place.write({ 'node_modules/dep/package.json': '{ "name": "dep" }', 'node_modules/dep/index.js': 'module.exports = 1\n' })
  const prove = () => place.run(['improve', '--patch', '-', '--dry-run'], { input: GOOD_PATCH })
  expect((await prove()).json.data.baseline).toMatchObject({ cached: false, red: [] })
  expect((await prove()).json.data.baseline.cached).toBe(true)

  place.write({ 'node_modules/dep/index.js': 'module.exports = 22\n' })
  const after = await prove()
  expect(after.json.data.baseline).toMatchObject({ cached: false, red: ['test/dep.test.js::the old dependency'] })
  expect(candidateOf(after)).toMatchObject({ verdict: 'keep', evidence: { tests: { regressed: [] } } })
})
