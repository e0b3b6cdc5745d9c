import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, candidateOf, createPlayground, expectProven, freeze, judge, refuses } from './playground.ts'

const IMPROVE = ['improve', '--source', 'rules']

describe('places that are not a repository to improve', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground(null)
  })
  afterAll(() => place.cleanup())

  it('is not a repository', async () => {
    mkdirSync(join(place.folder, 'elsewhere'))
    const answer = await refuses(place, IMPROVE, 'NOT_A_REPOSITORY', 6, { cwd: join(place.folder, 'elsewhere') })
    expect(answer.json.error!.message).toContain('elsewhere')
  })

  it('has no commit yet', async () => {
    const answer = await refuses(place, IMPROVE, 'NO_COMMIT', 6)
    expect(answer.json.error!.hints).toContain('git commit')
    await refuses(place, ['look'], 'NO_COMMIT', 6)
  })

  it('is a bare repository', async () => {
    const bare = join(place.folder, 'bare.git')
    execFileSync('git', ['init', '--quiet', '--bare', bare], { env: { ...place.env } })
    const before = freeze(bare)
    await refuses(place, IMPROVE, 'BARE_REPOSITORY', 6, { cwd: bare })
    expect(freeze(bare)).toEqual(before)
  })

  it('is the inside of .git', async () => {
    await refuses(place, IMPROVE, 'NOT_A_REPOSITORY', 6, { cwd: join(place.root, '.git') })
  })
})

describe('a repository in an unusual state', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground()
    place.write({ 'notes.txt': 'not committed\n' })
    place.git('stash', 'push', '--quiet', '--include-untracked')
    place.write({ 'notes.txt': 'not committed either\n', 'staged.txt': 'staged\n' })
    place.git('add', 'staged.txt')
  })
  afterAll(() => place.cleanup())

  it('belongs to somebody else', async () => {
    // git's own switch for this, set by a git in front of git: our environment never reaches the real one
    const tools = join(place.folder, 'tools')
    const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
    mkdirSync(tools)
    writeFileSync(join(tools, 'git'), `#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec '${git}' "$@"\n`, { mode: 0o755 })
    const answer = await refuses(place, IMPROVE, 'WRONG_OWNER', 6, { env: { PATH: `${tools}:${place.env['PATH']}` } })
    expect(answer.json.error!.hints.join(' ')).toContain('safe.directory')
  })

  it.each(['index.lock', 'config.lock', 'HEAD.lock'])('%s is held', async (name) => {
    const lock = join(place.root, '.git', name)
    writeFileSync(lock, '')
    try {
      const answer = await refuses(place, IMPROVE, 'REPOSITORY_LOCKED', 6)
      expect(answer.json.error!.message).toContain(name)
    } finally {
      rmSync(lock)
    }
  })

  it('works in a repository whose index is locked when nothing is to be landed', async () => {
    const lock = join(place.root, '.git', 'index.lock')
    writeFileSync(lock, '')
    try {
      expectProven(await judge(place, GOOD_PATCH), 3)
    } finally {
      rmSync(lock)
    }
  })

  it('has a detached head', async () => {
    place.git('checkout', '--quiet', '--detach', 'HEAD')
    const answer = await judge(place, GOOD_PATCH)
    expectProven(answer, 3)
    expect(answer.json.data.run.branch).toBeNull()
    const head = place.git('rev-parse', 'HEAD')
    const kept = await place.run(['improve', '--rule', 'js/prefer-includes', '--yes'])
    const [candidate] = kept.json.data.candidates
    expect(candidate, kept.stdout.slice(0, 2000)).toMatchObject({ state: 'landed' })
    expect(place.git('rev-parse', 'HEAD')).toBe(head)
    expect(place.git('for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n')).toEqual([
      `singularity/${kept.json.data.run.id}`,
      'work',
    ])
    place.git('branch', '--quiet', '-D', `singularity/${kept.json.data.run.id}`)
    place.git('checkout', '--quiet', 'work')
  })

  it('is shallow', async () => {
    place.commit('chore: one more', { 'more.txt': 'more\n' })
    const clone = join(place.folder, 'shallow')
    execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${place.root}`, clone], { env: place.env })
    const before = freeze(clone)
    const answer = await place.run(['improve', '--patch', '-', '--dry-run'], { cwd: clone, input: GOOD_PATCH })
    expectProven(answer, 3)
    expect(freeze(clone)).toEqual(before)
  })

  it('does not know the revision that is asked for', async () => {
    await refuses(place, [...IMPROVE, '--base', 'no-such-branch'], 'REV_INVALID', 2)
    await refuses(place, ['improve', '--branch', 'no-such-branch'], 'REV_INVALID', 2)
    await refuses(place, ['show', 'c0000'], 'NOT_FOUND', 2)
    await refuses(place, ['approve', 'c0000'], 'NOT_FOUND', 2)
  })
})

describe('an operation in progress', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground()
    place.git('checkout', '--quiet', '-b', 'other')
    place.commit('feat: theirs', { 'both.txt': 'theirs\n' })
    place.git('checkout', '--quiet', 'work')
    place.commit('feat: ours', { 'both.txt': 'ours\n' })
  })
  afterAll(() => place.cleanup())

  it.each([
    ['merge', ['merge', '--quiet', 'other']],
    ['rebase', ['rebase', '--quiet', 'other']],
    ['cherry-pick', ['cherry-pick', 'other']],
  ])('%s', async (operation, command) => {
    expect(() => place.git(...command)).toThrow()
    try {
      const answer = await refuses(place, IMPROVE, 'REPOSITORY_BUSY', 6)
      expect(answer.json.error!.hints).toContain(`git ${operation} --abort`)
      expectProven(await judge(place, GOOD_PATCH), 3)
    } finally {
      place.git(operation, '--abort')
    }
  })
})

describe('nobody to be the author', () => {
  it('is told when something is approved, and the candidate keeps waiting', async () => {
    const place = createPlayground(undefined, { identity: false })
    try {
      const env = { SINGULARITY_REGRESSION_THRESHOLD: '0.9' } // a busy machine must not leave it undecided
      const proven = await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH, env })
      const { id, state } = candidateOf(proven)
      expect({ exitCode: proven.exitCode, state }).toEqual({ exitCode: 4, state: 'awaiting_approval' })
      const answer = await refuses(place, ['approve', id], 'IDENTITY_MISSING', 6)
      expect(answer.json.error!.hints.join('\n')).toContain('git config user.name')
      expect((await place.run(['show', id])).json.data.candidate.state).toMatch(/awaiting_approval|approved/)
      place.git('config', 'user.name', 'Ada Example')
      place.git('config', 'user.email', 'ada@example.org')
      const landed = await place.run(['approve', id])
      expect(landed.json.data?.state, landed.stdout).toBe('landed')
      expect(place.git('log', '-1', '--format=%an <%ae>')).toBe('Ada Example <ada@example.org>')
    } finally {
      place.cleanup()
    }
  })
})
