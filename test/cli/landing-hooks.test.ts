import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type WaitingBench, createWaiting } from '../support/waiting.ts'
import { type Answer, GOOD_PATCH, type Playground, candidateOf, createPlayground, freeze, startProgram } from './playground.ts'

let place: Playground | undefined
let bench: WaitingBench | undefined
afterEach(async () => {
  place?.cleanup()
  await bench?.close()
  place = bench = undefined
})

/** Writes a hook as a person would: beside git, or wherever `core.hooksPath` points to. */
function hook(root: string, name: string, body: string, folder = '.git/hooks'): void {
  const path = join(root, folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
}

describe('the hooks of the project check what lands, in a whole run', () => {
  const land = (): Promise<Answer> =>
    place!.run(['improve', '--patch', '-', '--yes'], { input: GOOD_PATCH, env: { SINGULARITY_APPROVALS_AUTO_RISK: 'medium' } })

  it('they see the change staged on its parent, the branch and the message; then it lands', async () => {
    place = createPlayground()
    const { root } = place
    hook(
      root,
      'pre-commit',
      `set -e
test "$(git diff --cached --name-only)" = src/list.js
test "$(git rev-parse --abbrev-ref HEAD)" = work
git show :src/list.js | grep -q includes
test "$(git show HEAD:src/list.js | grep -c includes)" = 0
test "$(git status --porcelain)" = 'M  src/list.js'
test "$(git config user.email)" = ada@example.org`,
    )
    hook(root, 'commit-msg', `head -1 "$1" | grep -q . && grep -q '^Singularity-Change: c' "$1"`)
    const answer = await land()
    expect({ exitCode: answer.exitCode, state: candidateOf(answer).state }, answer.stdout).toEqual({ exitCode: 0, state: 'landed' })
    const { history } = (await place.run(['show', candidateOf(answer).id])).json.data as { history: { name: string; detail: string }[] }
    const told = history.find(({ name }) => name === 'candidate.hooks')
    expect(JSON.parse(told!.detail)).toEqual({ passed: ['pre-commit', 'commit-msg'], message_rewritten: false })
  })

  it('a failing one keeps the candidate approved, with its last lines; it runs in the jail; skipping lands it', async () => {
    place = createPlayground()
    const mark = join(place.folder, 'outside')
    hook(place.root, 'pre-commit', `touch ${mark}; echo first; echo 'no tabs please' >&2; exit 3`)
    const before = place.frozen()
    const answer = await land()
    const { id, state, verdict, reasons } = candidateOf(answer)
    expect({ exitCode: answer.exitCode, state, verdict, reasons }, answer.stdout).toEqual({
      exitCode: 4,
      state: 'approved',
      verdict: 'keep',
      reasons: [{ code: 'hook_failed', detail: 'pre-commit failed (exit 3): first | no tabs please' }],
    })
    expect(place.frozen()).toEqual(before)
    expect(existsSync(mark)).toBe(false)
    expect(answer.json.data.next).toContain('singularity resume')
    await place.run(['resume'], { env: { SINGULARITY_LANDING_HOOKS: 'skip' } })
    const shown = (await place.run(['show', id])).json.data.candidate
    expect({ state: shown.state, reasons: shown.reasons }).toEqual({ state: 'landed', reasons: [] })
  })

  it('without a jail, where a person spelled that out, they run in a copy all the same', async () => {
    place = createPlayground()
    const found = await place.run(['improve', '--patch', '-', '--isolation', 'none'], { input: GOOD_PATCH })
    hook(
      place.root,
      'pre-commit',
      '. "$(dirname "$0")/helper"; echo "$(git diff --cached --name-only) $(pwd)"; echo x >> src/list.js; exit 1',
    )
    hook(place.root, 'helper', 'echo helped')
    const before = place.frozen()
    const answer = await place.run(['approve', candidateOf(found).id])
    expect(answer.json.error?.code, answer.stdout).toBe('LANDING_REFUSED')
    expect(answer.json.error!.message).toMatch(/pre-commit failed \(exit 1\): helped \| src\/list\.js \//)
    expect(place.frozen()).toEqual(before)
  })
})

describe('what a hook says no to, and why', () => {
  const run = (...args: string[]): Promise<Answer> => startProgram(args, { cwd: bench!.repository.root, env: bench!.env }).done

  it.each([
    ['edits a file', 'pre-commit', 'echo more >> b.txt', /^pre-commit edited b\.txt: what lands is the validated commit/],
    ['edits and stages', 'pre-commit', 'echo more >> b.txt; git add -A', /^pre-commit edited b\.txt: what lands is the validated commit/],
    [
      'misses a program',
      'pre-commit',
      'no-such-linter --fix',
      /^pre-commit misses something in the sandbox \(.*no-such-linter: not found\)/,
    ],
    [
      'wants the network',
      'pre-commit',
      `node -e "fetch('http://example.org').catch((error) => { throw error.cause })"`,
      /^pre-commit wants the network/,
    ],
    [
      'does not like the message',
      'commit-msg',
      'grep -q "^JIRA-" "$1" || { echo "needs a ticket"; exit 1; }',
      /^commit-msg failed \(exit 1\): needs a ticket$/,
    ],
    ['does not end', 'pre-commit', 'echo waiting; sleep 60', /^pre-commit did not end in time: waiting$/],
  ])('a hook that %s', async (_what, name, body, told) => {
    bench = await createWaiting()
    const { repository } = bench
    const { id } = await bench.add('a.txt')
    hook(repository.root, name, body)
    const before = freeze(repository.root)
    const env = { ...bench.env, SINGULARITY_PLAN_TIMEOUT: '2s' }
    const answer = await startProgram(['approve', id], { cwd: repository.root, env }).done
    expect({ code: answer.json.error?.code, exitCode: answer.exitCode }, answer.stdout).toEqual({ code: 'LANDING_REFUSED', exitCode: 1 })
    expect(answer.json.error!.hints).toContain('SINGULARITY_LANDING_HOOKS=skip singularity resume')
    const { state, reasons } = (await run('show', id)).json.data.candidate
    expect({ state, reasons }).toEqual({ state: 'approved', reasons: [{ code: 'hook_failed', detail: expect.stringMatching(told) }] })
    expect(freeze(repository.root)).toEqual(before)
    // the next attempt tells anew, and lands once the hook is content
    rmSync(join(repository.root, '.git/hooks', name))
    expect((await run('resume')).json.data.candidates).toMatchObject([{ id, state: 'landed', reasons: [] }])
  })

  it('a message that a hook rewrites is no reason to refuse: what lands carries the message that was shown', async () => {
    bench = await createWaiting()
    const { id } = await bench.add('a.txt')
    hook(bench.repository.root, 'commit-msg', 'echo "Change-Id: I1" >> "$1"')
    const answer = await run('approve', id)
    expect(answer.json.data, answer.stdout).toMatchObject({ state: 'landed' })
    expect(bench.repository.git('log', '-1', '--format=%B')).not.toContain('Change-Id')
    const { history } = (await run('show', id)).json.data
    expect(JSON.stringify(history)).toContain('\\"message_rewritten\\":true')
  })

  it('core.hooksPath in the tree: the hooks of before the change judge it, with what lies ignored beside them', async () => {
    bench = await createWaiting({ '.husky/pre-commit': 'check-style\n', '.gitignore': '.husky/_\n' })
    const { root, git } = bench.repository
    // as husky lays it out: a program of its own per hook, which runs the project's file
    hook(root, 'pre-commit', '. "$(dirname "$0")/h"', '.husky/_')
    hook(root, 'h', 's=$(dirname "$(dirname "$0")")/$(basename "$0"); PATH="$(dirname "$0"):$PATH"; sh -e "$s" "$@"', '.husky/_')
    hook(root, 'check-style', 'echo "style: line 7"; exit 1', '.husky/_')
    git('config', 'core.hooksPath', '.husky/_')
    const { id } = await bench.add('.husky/pre-commit', { content: '#!/bin/sh\nexit 0\n' })
    const answer = await run('approve', id, '--override', 'I wrote it')
    expect(answer.json.error?.message, answer.stdout).toContain('pre-commit failed (exit 1): style: line 7')
  })

  it('a hook that is a link into the tree: the change that edits it is refused', async () => {
    const check = { text: '#!/bin/sh\ngrep -q changed a.txt && ! grep -q changed b.txt\n', mode: 0o755 }
    bench = await createWaiting({ 'scripts/check': check })
    const { root } = bench.repository
    mkdirSync(join(root, '.git/hooks'), { recursive: true })
    symlinkSync('../../scripts/check', join(root, '.git/hooks/pre-commit'))
    const [own, bad, good] = [
      await bench.add('scripts/check', { content: '#!/bin/sh\n' }),
      await bench.add('b.txt'),
      await bench.add('a.txt'),
    ]
    expect((await run('approve', own.id)).json.error?.message).toContain('the change edits the hook itself (scripts/check)')
    expect((await run('approve', bad.id)).json.error?.message).toContain('pre-commit failed (exit 1)')
    expect((await run('approve', good.id)).json.data).toMatchObject({ state: 'landed' })
  })

  it('no hook is called without its executable bit, nor one that judges nothing', async () => {
    bench = await createWaiting()
    const { id } = await bench.add('a.txt')
    for (const name of ['post-commit', 'pre-push', 'prepare-commit-msg']) hook(bench.repository.root, name, 'exit 1')
    hook(bench.repository.root, 'pre-commit', 'exit 1')
    chmodSync(join(bench.repository.root, '.git/hooks/pre-commit'), 0o644)
    expect((await run('approve', id)).json.data).toMatchObject({ state: 'landed' })
  })
})
