import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { PROGRAM, type Playground, TINY, createPlayground, isInSandbox } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

function records(): string[] {
  const folder = join(place.root, '.git', 'singularity', 'records')
  return existsSync(folder) ? readdirSync(folder) : []
}

const RULE = ['improve', '--rule', 'js/prefer-includes', '--yes']

describe('a run that has a record answers with its data', () => {
  it('no baseline: an error, and no record', async () => {
    place = createPlayground({ ...TINY, 'test/list.test.js': "throw new Error('red')\n" })
    const answer = await place.run(RULE)
    expect(answer.exitCode).toBe(6)
    expect(answer.json).toMatchObject({ ok: false, error: { code: 'BASELINE_UNUSABLE' } })
    expect(records()).toEqual([])
    const { runs } = (await place.run(['runs'])).json.data
    expect(runs).toMatchObject([{ status: 'interrupted', finished_at: expect.any(String) }])
    expect((await place.run(['replay', runs[0].id])).json.error?.code).toBe('RECORD_INVALID')
  })

  it('an error after the verdict: the data with the error in it, and a record that replays', async () => {
    place = createPlayground(TINY, { identity: false })
    const answer = await place.run(RULE)
    expect(answer.exitCode, answer.stdout).toBe(6)
    expect(answer.json).toMatchObject({ ok: true, data: { candidates: [{ verdict: 'keep' }] } })
    expect(answer.json.data.notes.at(-1)).toMatch(/^IDENTITY_MISSING: git does not know who you are/)
    expect(records()).toEqual([`${answer.json.data.run.id}.json.gz`])
    const replayed = await place.run(['replay', answer.json.data.run.id])
    expect(replayed.json.data, replayed.stdout).toMatchObject({ ok: true, verdicts: [{ recorded: 'keep', now: 'keep' }] })
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...RULE, '--retry'], {
      cwd: place.root,
      env: place.env,
      encoding: 'utf8',
    })
    expect(status).toBe(6)
    expect(stderr).toContain('error IDENTITY_MISSING git does not know who you are')
    expect(stdout).toContain('Use includes() instead of indexOf()')
  })

  it('stopped at once: what was decided is the answer', async () => {
    const test = [
      "import assert from 'node:assert/strict'",
      "import { readFileSync, writeFileSync } from 'node:fs'",
      "import { test } from 'node:test'",
      "import { last } from '../src/list.js'",
      "test('last', () => assert.equal(last([1]), 1))",
      "const text = readFileSync('src/list.js', 'utf8')",
      "if (text.includes('.at(')) writeFileSync('started', '')",
      "if (text.includes('.at(')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
      '',
    ].join('\n')
    place = createPlayground({
      'package.json': String(TINY['package.json']),
      'src/dark.js': 'export function has(list, item) {\n  return list.indexOf(item) !== -1\n}\n',
      'src/list.js': 'export function last(list) {\n  return list[list.length - 1]\n}\n',
      'test/list.test.js': test,
    })
    const { child, done } = place.start(['improve', '--source', 'rules'])
    while (!isInSandbox(place, 'started') && child.exitCode === null) await new Promise((next) => setImmediate(next))
    child.kill('SIGTERM')
    const answer = await done
    expect(answer.exitCode, answer.stdout + answer.stderr).toBe(143)
    expect(answer.json).toMatchObject({ ok: true, data: { totals: { found: 2, cannot_decide: 1, rolled_back: 0, not_run: 1 } } })
    const unreached = answer.json.data.candidates.find(({ verdict }: { verdict: string | null }) => verdict === null)
    expect(unreached.reasons).toEqual([{ code: 'not_reached', detail: 'the run ended first' }])
    expect(answer.json.data.notes.at(-1)).toBe('INTERRUPTED: Stopped by a signal.')
    const replayed = await place.run(['replay', answer.json.data.run.id])
    expect(replayed.json.data, replayed.stdout).toMatchObject({ ok: true, verdicts: [{ recorded: 'cannot_decide' }] })
  })
})
