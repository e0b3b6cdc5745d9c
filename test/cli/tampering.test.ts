import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, TINY, createPlayground, patchOf } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

/** A suite that writes below the user's own checkout: always, or only where it sees the candidate's change. */
function suiteThatWrites(target: string, when: string): Playground {
  place = createPlayground(TINY)
  const code = [
    "import { test } from 'node:test'",
    "import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'",
    "import { dirname } from 'node:path'",
    `const target = ${JSON.stringify(join(place.root, target))}`,
    "const source = readFileSync(new URL('../src/list.js', import.meta.url), 'utf8')",
    `test('writes', () => { if (${when}) { mkdirSync(dirname(target), { recursive: true }); writeFileSync(target, '#!/bin/sh\\necho owned\\n') } })`,
    '',
  ].join('\n')
  place.commit('test: writes', { 'test/writes.test.js': code })
  return place
}

const improve = ['improve', '--patch', '-', '--isolation', 'none']

it.each(['.git/hooks/pre-commit', '.git/refs/heads/other', 'src/list.js'])(
  'without a jail, a candidate whose tests write %s has no verdict, and the run says which file',
  async (target) => {
    suiteThatWrites(target, "source.includes('list.includes')")
    const answer = await place.run(improve, { input: GOOD_PATCH })
    expect(answer.exitCode, answer.stdout).toBe(6)
    expect(answer.json.error).toMatchObject({ code: 'ISOLATION_BREACHED', data: { changed: [join(place.root, target)] } })
    expect(answer.json.error!.message).toContain(target)

    const [run] = (await place.run(['runs'])).json.data.runs
    const [candidate] = (await place.run(['show', run.id])).json.data.candidates
    expect(candidate).toMatchObject({ state: 'errored', verdict: null, reasons: [{ code: 'tampered' }] })
    // nothing was decided, so there is no record that could be decided again
    expect((await place.run(['replay', run.id])).json.error?.code).toBe('RECORD_INVALID')
  },
)

it('without a jail, tests that write a hook on the unchanged code end the run; in the jail they reach nothing', async () => {
  suiteThatWrites('.git/hooks/pre-commit', 'true')
  const hook = join(place.root, '.git/hooks/pre-commit')
  expect((await place.run(['improve', '--patch', '-', '--dry-run'], { input: GOOD_PATCH })).exitCode).toBe(0)
  expect(existsSync(hook)).toBe(false)
  const answer = await place.run(improve, { input: GOOD_PATCH })
  expect([answer.exitCode, answer.json.error?.code]).toEqual([6, 'ISOLATION_BREACHED'])
  expect(readFileSync(hook, 'utf8')).toContain('owned') // it has happened: that is why it is told
})

it('finds a weakened test of another language, with an index as without one', async () => {
  const kotlin =
    'class PriceTest {\n    @Test\n    fun addsTax() {\n        assertEquals(119, Price(100).withTax())\n        assertEquals("EUR", Price(1).currency)\n    }\n}\n'
  place = createPlayground({ ...TINY, 'test/PriceTest.kt': kotlin })
  const weaker =
    GOOD_PATCH + patchOf('test/PriceTest.kt', kotlin, (text) => text.replace(/assertEquals\(119, (.*)\)\n/, 'assertNotNull($1)\n'))
  const verdict = async (): Promise<unknown> => {
    const answer = await place.run(['improve', '--patch', '-', '--dry-run'], { input: weaker })
    expect(answer.exitCode, answer.stdout).toBe(1)
    const [run] = (await place.run(['runs'])).json.data.runs
    const [candidate] = (await place.run(['show', run.id])).json.data.candidates
    return { verdict: candidate.verdict, reasons: candidate.reasons }
  }
  const without = await verdict()
  expect(without).toMatchObject({ verdict: 'roll_back', reasons: [{ code: 'tests_weakened' }] })
  expect((await place.run(['index'])).exitCode).toBe(0)
  expect(readdirSync(join(place.root, '.git/singularity')).filter((name) => name.startsWith('index-'))).not.toEqual([])
  expect(await verdict()).toEqual(without)
})
