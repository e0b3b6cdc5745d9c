import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, TINY, candidateOf, createPlayground } from '../cli/playground.ts'

const TEST = 'test/list.test.js'

describe('the branch moves between the proof and the landing', () => {
  let place: Playground
  afterEach(() => place.cleanup())

  const suite = (): number | null => spawnSync(process.execPath, ['--test'], { cwd: place.root, env: place.env }).status
  const write = (path: string, change: (text: string) => string): void =>
    writeFileSync(join(place.root, path), change(readFileSync(join(place.root, path), 'utf8')))

  async function kept(): Promise<string> {
    place = createPlayground()
    const answer = await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH })
    expect(candidateOf(answer)).toMatchObject({ state: 'awaiting_approval', verdict: 'keep' })
    return candidateOf(answer).id
  }

  it('a test that came since then and fails with the change keeps it from landing', async () => {
    const id = await kept()
    appendFileSync(join(place.root, TEST), "test('like a list', () => assert.equal(has({ indexOf: () => 0 }, 1), true))\n")
    place.git('commit', '-qam', 'test: like a list')
    const head = place.git('rev-parse', 'HEAD')
    const answer = await place.run(['approve', id])
    expect({ exitCode: answer.exitCode, code: answer.json.error?.code }, answer.stdout).toEqual({ exitCode: 1, code: 'LANDING_REFUSED' })
    expect(answer.json.error!.message).toContain('test/list.test.js::like a list fails')
    expect(place.git('rev-parse', 'HEAD')).toBe(head)
    expect(suite()).toBe(0)
  })

  it('a test that has another name since then does not', async () => {
    const id = await kept()
    write(TEST, (text) => text.replace("test('has not'", "test('has it not'"))
    place.git('commit', '-qam', 'test: rename')
    const answer = await place.run(['approve', id])
    expect(answer.json.data, answer.stdout).toMatchObject({ state: 'landed' })
    expect(suite()).toBe(0)
  })
})

it('what merging gives is tested with the tool chain of the plan, wherever that lies', async () => {
  const place = createPlayground()
  try {
    const tools = join(place.folder, 'tools', 'bin')
    mkdirSync(tools, { recursive: true })
    writeFileSync(join(tools, 'suite'), '#!/bin/sh\nexec node --test\n', { mode: 0o755 })
    const env = { PATH: `${tools}:${place.env['PATH']}` }
    const improved = await place.run(['improve', '--patch', '-', '--test', 'suite'], { input: GOOD_PATCH, env })
    expect(candidateOf(improved), JSON.stringify(candidateOf(improved).reasons)).toMatchObject({ state: 'awaiting_approval' })
    place.write({ 'README.md': '# Small\n' })
    place.git('add', '-A')
    place.git('commit', '-qm', 'docs: readme')
    const approved = await place.run(['approve', candidateOf(improved).id], { env })
    expect(approved.json.data, approved.stdout).toMatchObject({ state: 'landed', landed_on: 'work' })
  } finally {
    place.cleanup()
  }
})

describe('a train that loses a member while it lands', () => {
  // The second change is only right together with the first one.
  const FILES = {
    ...TINY,
    'src/list.js': 'export function has(list, item) {\n  return list.indexOf(item) !== -1\n}\n',
    'src/power.js': 'export function square(n) {\n  return Math.pow(n, 2)\n}\n',
    'test/list.test.js': [
      "import assert from 'node:assert/strict'",
      "import { readFileSync } from 'node:fs'",
      "import { test } from 'node:test'",
      "import { has } from '../src/list.js'",
      "import { square } from '../src/power.js'",
      "const changed = (name, word) => readFileSync(new URL(`../src/${name}`, import.meta.url), 'utf8').includes(word)",
      "test('has', () => { assert.equal(has([1], 1), true); assert.equal(has([1], 2), false) })",
      "test('square', () => assert.equal(square(3), 9))",
      "test('never the second alone', () => assert.ok(!changed('power.js', '**') || changed('list.js', 'includes')))",
      '',
    ].join('\n'),
  }
  let place: Playground
  afterEach(() => place.cleanup())

  it('leaves no commit on the branch with which the tests fail', async () => {
    place = createPlayground(FILES)
    appendFileSync(join(place.root, 'src/list.js'), '// not finished\n')
    const answer = await place.run(['improve', '--source', 'rules', '--yes'], { env: { SINGULARITY_APPROVALS_AUTORISK: 'high' } })
    const states = answer.json.data.candidates.map(({ files, state }: { files: string[]; state: string }) => `${files[0]} ${state}`)
    expect(states, JSON.stringify(answer.json.data.notes)).toContain('src/list.js approved')
    expect(states).not.toContain('src/power.js landed')
    place.git('stash')
    expect(spawnSync(process.execPath, ['--test'], { cwd: place.root, env: place.env }).status).toBe(0)
  })
})
