import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, GOOD_PATCH, type Playground, TINY, candidateOf, createPlayground, patchOf } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

/** Writes a hook as a person would: beside git, or wherever `core.hooksPath` points to. */
function hook(name: string, body: string, folder = '.git/hooks'): void {
  const path = join(place.root, folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
}

const land = (env: Record<string, string> = {}): Promise<Answer> =>
  place.run(['improve', '--patch', '-', '--yes'], { input: GOOD_PATCH, env: { SINGULARITY_APPROVALS_AUTO_RISK: 'medium', ...env } })
const tip = (): string => place.git('rev-parse', 'HEAD')
const reasonOf = (answer: Answer): string =>
  candidateOf(answer).reasons.find(({ code }: { code: string }) => code === 'hook_failed')?.detail ?? ''

/** The change is proven and approved, but the hook keeps it off the branch. */
function expectHeld(answer: Answer, before: string): void {
  const { state, verdict } = candidateOf(answer)
  expect({ exitCode: answer.exitCode, state, verdict, tip: tip() }, answer.stdout).toEqual({
    exitCode: 4,
    state: 'approved',
    verdict: 'keep',
    tip: before,
  })
  expect(place.git('status', '--porcelain')).toBe('')
}

describe('the hooks of the project check what lands', () => {
  it('sees the change staged on its parent, the branch and the message; then it lands', async () => {
    const [seen, message] = ['echo "$(git diff --cached --name-only) $(git rev-parse --abbrev-ref HEAD)"', 'head -1 "$1"']
    hook(
      'pre-commit',
      `test "$(${seen})" = "$(echo 'src/list.js work')" && git show :src/list.js | grep -q includes && ! git show HEAD:src/list.js | grep -q includes && test -z "$(git status --porcelain | grep -v '^M ')" || { git status --porcelain; exit 1; }`,
    )
    hook('commit-msg', `${message} | grep -q . && grep -q '^Singularity-Change: c' "$1"`)
    const answer = await land()
    expect({ exitCode: answer.exitCode, state: candidateOf(answer).state }, answer.stdout).toEqual({ exitCode: 0, state: 'landed' })
    const { id } = candidateOf(answer)
    const shown = await place.run(['show', id])
    const told = shown.json.data.candidate.history ?? shown.json.data.history
    expect(JSON.stringify(told)).toContain('candidate.hooks')
  })

  it('a failing hook keeps the candidate approved with its last lines; it runs in the jail; skipping lands it', async () => {
    const mark = join(place.folder, 'outside')
    hook('pre-commit', `touch ${mark}; echo first; echo 'no tabs please' >&2; exit 3`)
    const before = tip()
    const answer = await land()
    expectHeld(answer, before)
    expect(reasonOf(answer)).toBe('pre-commit failed (exit 3): first | no tabs please')
    expect(existsSync(mark)).toBe(false)
    expect(answer.json.data.next).toContain('singularity resume')
    const { id } = candidateOf(answer)

    const again = await place.run(['approve', id])
    expect({ code: again.json.error?.code, exitCode: again.exitCode }).toEqual({ code: 'LANDING_REFUSED', exitCode: 1 })
    expect(again.json.error!.message).toContain('no tabs please')
    expect(again.json.error!.hints).toContain('SINGULARITY_LANDING_HOOKS=skip singularity resume')
    expect((await place.run(['show', id])).json.data.candidate.reasons).toHaveLength(1)

    await place.run(['resume'], { env: { SINGULARITY_LANDING_HOOKS: 'skip' } })
    const { state, reasons } = (await place.run(['show', id])).json.data.candidate
    expect({ state, reasons }).toEqual({ state: 'landed', reasons: [] })
    expect(tip()).not.toBe(before)
  })

  it('what a hook says no to, and why, is told each time anew', async () => {
    const { id } = candidateOf(await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH }))
    const before = place.frozen()
    for (const [name, body, told] of [
      ['pre-commit', 'echo "// formatted" >> src/list.js', /^pre-commit edited src\/list\.js: what lands is the validated commit/],
      ['pre-commit', 'echo "// formatted" >> src/list.js; git add -A', /^pre-commit staged something else/],
      ['pre-commit', 'no-such-linter --fix', /^pre-commit misses something in the sandbox \(.*no-such-linter: not found\)/],
      ['pre-commit', 'node -e "fetch(\'http://example.org\').catch((error) => { throw error.cause })"', /^pre-commit wants the network/],
      ['commit-msg', 'grep -q "^JIRA-" "$1" || { echo "needs a ticket"; exit 1; }', /^commit-msg failed \(exit 1\): needs a ticket$/],
    ] as const) {
      hook(name, body)
      const answer = await place.run(['approve', id])
      expect({ code: answer.json.error?.code, exitCode: answer.exitCode }, answer.stdout).toEqual({ code: 'LANDING_REFUSED', exitCode: 1 })
      const { state, reasons } = (await place.run(['show', id])).json.data.candidate
      expect({ state, reasons }).toEqual({ state: 'approved', reasons: [{ code: 'hook_failed', detail: expect.stringMatching(told) }] })
      rmSync(join(place.root, '.git/hooks', name))
    }
    expect(place.frozen()).toEqual(before)
    // a message that a hook rewrites is no reason to refuse: what lands carries the message that was shown
    hook('commit-msg', 'echo "Change-Id: I1" >> "$1"')
    const landed = await place.run(['resume'])
    expect(landed.json.data.candidates).toMatchObject([{ id, state: 'landed' }])
    expect(place.git('log', '-1', '--format=%B')).not.toContain('Change-Id')
  })

  it('core.hooksPath in the tree: the hook of before the change judges it, with what lies ignored beside it', async () => {
    place.cleanup()
    place = createPlayground({ ...TINY, '.gitignore': '.husky/_\n' })
    hook('pre-commit', 'npm_config_x=1; check-style', '.husky')
    chmodSync(join(place.root, '.husky/pre-commit'), 0o644)
    place.git('add', '-A')
    place.git('commit', '-qm', 'hooks')
    // as husky lays it out: a program of its own per hook, which runs the project's file
    hook('pre-commit', '. "$(dirname "$0")/h"', '.husky/_')
    hook('h', 's=$(dirname "$(dirname "$0")")/$(basename "$0"); PATH="$(dirname "$0"):$PATH"; sh -e "$s" "$@"', '.husky/_')
    hook('check-style', 'echo "style: line 7"; exit 1', '.husky/_')
    place.git('config', 'core.hooksPath', '.husky/_')
    const before = tip()
    const own = patchOf('.husky/pre-commit', '#!/bin/sh\nnpm_config_x=1; check-style\n', (text) => text.replace('check-style', 'true'))
    const found = await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH + own })
    const answer = await place.run(['approve', candidateOf(found).id, '--override', 'I wrote it'])
    expect({ code: answer.json.error?.code, tip: tip() }, answer.stdout).toEqual({ code: 'LANDING_REFUSED', tip: before })
    expect(answer.json.error!.message).toContain('pre-commit failed (exit 1): style: line 7')
  })

  it('no hook is called for a dry run, a hook without its executable bit or another hook', async () => {
    hook('post-commit', 'exit 1')
    hook('pre-commit', 'exit 1')
    chmodSync(join(place.root, '.git/hooks/pre-commit'), 0o644)
    expect(candidateOf(await land()).state).toBe('landed')
  })
})
