import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Playground, createPlayground } from './playground.ts'

const SHOP = join(import.meta.dirname, '..', '..', 'examples', 'shop')
const VERDICTS = 300_000

type Verdicts = Record<string, { verdict: string; kept: number; found: number; dropped: number }>

/** The example's files, with some of them altered. */
function shop(alter: Readonly<Record<string, (text: string) => string>> = {}): Record<string, string> {
  const files: Record<string, string> = {}
  for (const entry of readdirSync(SHOP, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = relative(SHOP, path)
    files[name] = (alter[name] ?? ((text: string) => text))(readFileSync(path, 'utf8'))
  }
  return files
}

describe('the bundled example', () => {
  let playground: Playground
  afterEach(() => playground.cleanup())

  async function improve(): Promise<Verdicts> {
    // These verdicts follow from the source; whether the machine is quiet enough to compare times is another matter.
    const env = { SINGULARITY_REGRESSION_THRESHOLD: '1' }
    const { json } = await playground.run(['improve', '--source', 'rules'], { env })
    const { candidates } = json.data as {
      candidates: { id: string; parent: string | null; source: { id: string }; verdict: string; sites: Omit<Verdicts[string], 'verdict'> }[]
    }
    const last = candidates.filter(({ id }) => !candidates.some(({ parent }) => parent === id))
    return Object.fromEntries(last.map(({ source, verdict, sites }) => [source.id, { verdict, ...sites }]))
  }

  test(
    'its verdicts follow from its source: altered source, other verdicts',
    async () => {
      playground = createPlayground(shop())
      expect(await improve()).toMatchObject({
        'js/prefer-includes': { verdict: 'keep', found: 3, kept: 2, dropped: 1 },
        'js/prefer-at': { verdict: 'roll_back' },
        'js/prefer-object-has-own': { verdict: 'keep' },
      })
      playground.cleanup()

      playground = createPlayground(
        shop({
          // the class learns what it lacked
          'src/catalog.js': (text) =>
            text.replace('  indexOf(tag) {', '  includes(tag) {\n    return this.indexOf(tag) + 1 > 0\n  }\n\n  indexOf(tag) {'),
          // the history becomes a real array
          'src/history.js': (text) =>
            text.replace(/return \{[\s\S]*?\n {2}\}\n/, 'return orders.map((order, position) => ({ ...order, position }))\n'),
          // nobody tests hasPrice any more
          'test/catalog.test.js': (text) => text.replace(/test\('a price of its own counts'[\s\S]*?\n\}\)\n/, ''),
        }),
      )
      expect(await improve()).toMatchObject({
        'js/prefer-includes': { verdict: 'keep', found: 3, kept: 3, dropped: 0 },
        'js/prefer-at': { verdict: 'keep' },
        'js/prefer-object-has-own': { verdict: 'cannot_decide' },
      })
    },
    VERDICTS,
  )

  test(
    'forty sites, of which two break alone and two only together: 37 are kept',
    async () => {
      const names = Array.from({ length: 40 }, (_value, index) => `f${index}`)
      // f5 and f17 are called with something that only has indexOf; f22 and f33 fail only when both are changed
      const source = names.map((name) => `export function ${name}(list, item) {\n  return list.indexOf(item) !== -1\n}\n`).join('\n')
      const tests = [
        "import assert from 'node:assert/strict'",
        "import { test } from 'node:test'",
        "import * as all from '../src/all.js'",
        'const only = { indexOf: () => 0 }',
        'const counting = (calls) => ({ indexOf: (item) => [1].indexOf(item), includes: (item) => (calls.push(1), [1].includes(item)) })',
        ...names.map((name) => `test('${name}', () => assert.equal(all.${name}([1], 1), true))`),
        "test('the odd ones', () => { assert.equal(all.f5(only, 1), true) })",
        "test('the other odd one', () => { assert.equal(all.f17(only, 1), true) })",
        "test('a pair', () => { const calls = []; all.f22(counting(calls), 1); all.f33(counting(calls), 1); assert.ok(calls.length < 2) })",
        '',
      ].join('\n')
      playground = createPlayground({ 'package.json': shop()['package.json']!, 'src/all.js': source, 'test/all.test.js': tests })
      expect(await improve()).toMatchObject({ 'js/prefer-includes': { verdict: 'keep', found: 40, kept: 37, dropped: 3 } })
    },
    VERDICTS,
  )

  test(
    'a patch that weakens a test is refused, and lands only with a reason',
    async () => {
      playground = createPlayground(shop())
      const { exitCode, json } = await playground.run(['improve', '--patch', join(SHOP, 'weaken-a-test.patch')])
      const [candidate] = (json.data as { candidates: { id: string; verdict: string; evidence: { tests: { weakened: unknown[] } } }[] })
        .candidates
      expect([exitCode, candidate!.verdict, candidate!.evidence.tests.weakened.length > 0]).toEqual([1, 'roll_back', true])
      expect((await playground.run(['approve', candidate!.id])).json.error?.code).toBe('STATE_CONFLICT')
      const landed = await playground.run(['approve', candidate!.id, '--override', 'the rounding is wanted'])
      expect(landed.json.data).toMatchObject({ state: 'landed' })
      expect(execFileSync('git', ['log', '--format=%s'], { cwd: playground.root, encoding: 'utf8' }).trim().split('\n')).toHaveLength(2)
    },
    VERDICTS,
  )
})
