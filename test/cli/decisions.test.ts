import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, TINY, candidateOf, createPlayground, patchAdding, patchOf, refuses } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

const TEST = 'test/list.test.js'
const own = String(TINY[TEST])
const headOf = (): string => place.git('rev-parse', 'HEAD')

describe('approve --override', () => {
  it.each([
    ['a test that is gone', 'test_lost', (text: string) => text.replace(/test\('has not'.*\n/, '')],
    ['a test that is skipped', 'test_skipped', (text: string) => text.replace("test('has not'", "test.skip('has not'")],
  ])('lands %s, also on a branch that moved', async (_what, kind, change) => {
    place = createPlayground()
    const { id, verdict, evidence } = candidateOf(await place.run(['improve', '--patch', '-'], { input: patchOf(TEST, own, change) }))
    expect({ verdict, kinds: evidence.tests.weakened.map((each: { kind: string }) => each.kind) }).toEqual({
      verdict: 'roll_back',
      kinds: expect.arrayContaining([kind]),
    })
    await refuses(place, ['approve', id], 'STATE_CONFLICT', 1)
    place.write({ 'README.md': '# Tiny\n' })
    place.git('add', '-A')
    place.git('commit', '-qm', 'docs: readme')
    const answer = await place.run(['approve', id, '--override', 'it tested nothing'])
    expect(answer.json.data, answer.stdout).toMatchObject({ state: 'landed', landed_on: 'work' })
    expect(readFileSync(join(place.root, TEST), 'utf8')).toBe(change(own))
  })

  it('lands a regression on the branch as it was, and no other harm on a branch that moved', async () => {
    place = createPlayground()
    const patch = patchOf('src/list.js', String(TINY['src/list.js']), (text) => text.replace('!== -1', '!== 0'))
    const { id, verdict } = candidateOf(await place.run(['improve', '--patch', '-'], { input: patch }))
    expect(verdict).toBe('roll_back')
    place.write({ [TEST]: `${own}test('none', () => assert.equal(has([], 1), false))\n` })
    place.git('commit', '-qam', 'test: none')
    const answer = await place.run(['approve', id, '--override', 'known'])
    expect(answer.json.error, answer.stdout).toMatchObject({ code: 'LANDING_REFUSED', message: expect.stringContaining('::none fails') })
    place.git('reset', '-q', '--hard', 'HEAD~1')
    expect((await place.run(['resume'])).json.data.candidates, answer.stdout).toMatchObject([{ id, state: 'landed' }])
  })

  it('is one decision: not with --all, and --all takes no ids', async () => {
    place = createPlayground()
    await refuses(place, ['approve', '--all', '--override', 'x'], 'USAGE', 2)
    await refuses(place, ['approve', 'c1', '--all'], 'USAGE', 2)
  })
})

describe('what a person is asked and told', () => {
  it('a patch that only adds tests waits, also with --yes', async () => {
    place = createPlayground()
    const text = "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\ntest('more', () => assert.ok(true))\n"
    const before = headOf()
    const answer = await place.run(['improve', '--patch', '-', '--yes'], { input: patchAdding('test/more.test.js', text) })
    expect(candidateOf(answer), answer.stdout).toMatchObject({ state: 'awaiting_approval', risk: 'high' })
    expect({ exitCode: answer.exitCode, head: headOf() }).toEqual({ exitCode: 4, head: before })
  })

  it('a metric that could not be measured is named, and --yes does not land without it', async () => {
    place = createPlayground()
    const command = ['improve', '--rule', 'js/prefer-includes', '--yes', '--metric', 'size[bytes,lower]=exit 1']
    const answer = await place.run(command)
    expect(candidateOf(answer)).toMatchObject({ verdict: 'keep', state: 'awaiting_approval', reasons: [{ code: 'metric_open' }] })
    expect(answer.json.data.notes.join('\n')).toContain('--metric size was not measured')
  })

  it('a summary that cannot be written is told before the work', async () => {
    place = createPlayground()
    const before = headOf()
    await refuses(place, ['improve', '--source', 'rules', '--yes', '--summary', join(place.folder, 'nowhere', 'body.md')], 'USAGE', 2)
    await refuses(place, ['improve', '--source', 'rules', '--yes', '--summary', place.folder], 'USAGE', 2)
    expect(headOf()).toBe(before)
    expect((await place.run(['runs'])).json.data.runs).toEqual([])
  })

  it('a summary on standard output is refused: the answer is there', async () => {
    place = createPlayground()
    await refuses(place, ['improve', '--patch', '-', '--summary', '/dev/stdout'], 'USAGE', 2, { input: GOOD_PATCH })
  })

  it('a rule that nobody knows is told before a run begins', async () => {
    place = createPlayground()
    await refuses(place, ['improve', '--rule', 'js/nope'], 'USAGE', 2)
    expect((await place.run(['runs'])).json.data.runs).toEqual([])
  })

  it.skipIf(!existsSync('/dev/full'))(
    'a summary whose disk is full: the decisions are answered all the same, with the refusal among the notes',
    async () => {
      place = createPlayground()
      const answer = await place.run(['improve', '--patch', '-', '--summary', '/dev/full'], { input: GOOD_PATCH })
      expect(candidateOf(answer).state).toBe('awaiting_approval')
      expect({ notes: answer.json.data.notes.at(-1), exitCode: answer.exitCode }).toEqual({
        notes: 'DISK_FULL: No space left for /dev/full.',
        exitCode: 6,
      })
    },
  )

  it('why reads a path from the folder one stands in', async () => {
    place = createPlayground()
    const { id } = candidateOf(await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH }))
    await place.run(['approve', id])
    mkdirSync(join(place.root, 'pkg', 'src'), { recursive: true })
    writeFileSync(join(place.root, 'pkg', 'src', 'list.js'), 'export const none = 1\n')
    place.git('add', '-A')
    place.git('commit', '-qm', 'feat: pkg')
    const said = async (file: string, ...below: string[]): Promise<unknown> =>
      (await place.run(['why', file], { cwd: join(place.root, ...below) })).json.data
    expect(await said('src/list.js:6')).toMatchObject({ file: 'src/list.js', trailers: { 'Singularity-Change': expect.any(String) } })
    expect(await said('list.js:6', 'src')).toMatchObject({ file: 'src/list.js', trailers: { 'Singularity-Change': expect.any(String) } })
    expect(await said('src/list.js:1', 'pkg')).toMatchObject({ file: 'pkg/src/list.js', trailers: {} })
    expect(await said(join(place.root, 'src/list.js:6'), 'pkg')).toMatchObject({ file: 'src/list.js' })
  })

  it('a look names the hot rules', async () => {
    const more = Array.from({ length: 4 }, (_, index) => `export const f${index} = (list) => list.indexOf(${index}) !== -1\n`).join('')
    place = createPlayground({ ...TINY, 'src/more.js': more })
    const look = await place.run(['look'])
    expect(look.json.data.hot_rules[0], look.stdout).toEqual({ rule: 'js/prefer-includes', sites: 5, files: 2 })
  })
})
