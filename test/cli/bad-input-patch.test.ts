import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, TINY, candidateOf, createPlayground, judge, patchAdding, patchOf, refuses } from './playground.ts'

const PATCH = ['improve', '--patch', '-', '--dry-run']
const WORKFLOW = 'on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: npm test\n'

describe('patches that cannot be used', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground({ ...TINY, '.github/workflows/test.yml': WORKFLOW })
  })
  afterAll(() => place.cleanup())

  it.each([
    ['is empty', ''],
    ['is white space', '\n \n'],
    ['is no patch', 'hello\n'],
    ['is cut off', GOOD_PATCH.slice(0, -40)],
    ['does not apply', GOOD_PATCH.replaceAll('indexOf', 'findIndex')],
    ['names no file of the repository', GOOD_PATCH.replaceAll('src/list.js', 'src/missing.js')],
    ['changes nothing', GOOD_PATCH.replace('+  return list.includes(item)', '+  return list.indexOf(item) !== -1')],
    ['leaves the tree', patchAdding('../outside.js', 'export const x = 1\n')],
    ['touches .git', patchAdding('.git/hooks/pre-commit', '#!/bin/sh\n', '100755')],
    ['touches .git by another spelling', patchAdding('src/.GIT/config', '[core]\n')],
  ])('a patch that %s', async (_name, patch) => {
    await refuses(place, PATCH, 'PATCH_INVALID', 2, { input: patch })
  })

  it('a patch file that is not there', async () => {
    const answer = await refuses(place, ['improve', '--patch', 'missing.patch'], 'USAGE', 2)
    expect(answer.json.error!.message).toContain('missing.patch')
  })

  it('a patch that breaks the syntax is refused before anything runs', async () => {
    const answer = await judge(place, GOOD_PATCH.replace('list.includes(item)', 'list.includes(item'))
    expect(answer.exitCode).toBe(1)
    expect(candidateOf(answer)).toMatchObject({
      verdict: 'roll_back',
      reasons: [{ code: 'contract', detail: expect.stringContaining('parse') }],
    })
  })

  it('a patch that turns the tests red', async () => {
    const answer = await judge(place, GOOD_PATCH.replace('list.includes(item)', '!list.includes(item)'))
    expect(answer.exitCode).toBe(1)
    expect(candidateOf(answer)).toMatchObject({ verdict: 'roll_back', reasons: [{ code: 'tests_regressed' }] })
  })

  it('a patch that touches CI is privileged: never low risk, never --yes', async () => {
    const patch = patchOf('.github/workflows/test.yml', WORKFLOW, (text) => text.replace('npm test', 'npm test || true'))
    const before = place.frozen()
    const answer = await place.run(['improve', '--patch', '-', '--yes'], { input: patch })
    expect(place.frozen()).toEqual(before)
    const candidate = candidateOf(answer)
    expect(candidate.risk).toBe('high')
    expect(candidate.state).not.toBe('landed')
    expect(JSON.stringify(candidate.reasons)).toMatch(/workflows/)
  })

  it('a patch that deletes a module others may import is read by a person', async () => {
    const old = createPlayground({ ...TINY, 'src/old.js': 'export const old = 1\n' })
    try {
      const patch =
        'diff --git a/src/old.js b/src/old.js\ndeleted file mode 100644\n--- a/src/old.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-export const old = 1\n'
      const answer = await old.run(['improve', '--patch', '-', '--yes'], { input: patch })
      const candidate = candidateOf(answer)
      expect(candidate.state, answer.stdout).not.toBe('landed')
      expect(candidate.risk).toBe('high')
      expect(JSON.stringify(candidate.reasons)).toContain('src/old.js is gone, with old')
    } finally {
      old.cleanup()
    }
  })

  it('a patch that makes the test command succeed always is a weakening', async () => {
    const patch = patchOf('package.json', String(TINY['package.json']), (text) => text.replace('node --test', 'node --test || true'))
    const answer = await judge(place, patch)
    expect(answer.exitCode).toBe(1)
    expect(candidateOf(answer)).toMatchObject({ verdict: 'roll_back', reasons: [{ code: 'tests_weakened' }] })
  })

  it('a patch that deletes a test is a weakening', async () => {
    const patch = patchOf('test/list.test.js', String(TINY['test/list.test.js']), (text) => text.replace(/^test\('has not'.*\n/m, ''))
    const answer = await judge(place, patch)
    expect(answer.exitCode).toBe(1)
    const candidate = candidateOf(answer)
    expect(candidate).toMatchObject({ verdict: 'roll_back', reasons: [{ code: 'tests_weakened' }] })
    expect(candidate.evidence.tests.weakened).not.toEqual([])
  })
})
