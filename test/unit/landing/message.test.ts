import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import {
  PROTECTED_BRANCHES,
  TRAILER,
  composeMessage,
  detectConventions,
  explainLine,
  isProtectedBranch,
  parseTrailers,
  proposalBranch,
  readConventions,
  remoteDefaultBranch,
  signsCommits,
  withTrailers,
} from '../../../src/core/landing/index.ts'
import { file, openLanding } from '../../support/landing.ts'
import { createRepository, TEST_IDENTITY, type TestRepository } from '../../support/repository.ts'

const made: TestRepository[] = []
const make = (...args: Parameters<typeof createRepository>): TestRepository => {
  const repository = createRepository(...args)
  made.push(repository)
  return repository
}
afterEach(() => made.splice(0).forEach((repository) => repository.cleanup()))

const say = (...subjects: string[]) => detectConventions(subjects.map((subject) => ({ subject, body: '' })))
const claim = { title: 'Replace `indexOf` with `includes`.', type: 'refactor', files: ['src/cart/total.ts', 'src/cart/tax.ts'] }

describe("the repository's own manner", () => {
  it.each([
    ['conventional', ['feat: add x', 'fix(core): y', 'chore: z'], 'refactor: replace `indexOf` with `includes`'],
    [
      'conventional with scopes',
      ['feat(a): add x', 'fix(core): Y', 'chore(b): z', 'Merge'],
      'refactor(cart): replace `indexOf` with `includes`',
    ],
    ['prefix', ['net/http: fix leak', 'cart: add y', 'cmd/go: z'], 'cart: replace `indexOf` with `includes`'],
    ['capitalised sentences', ['Fix leak', 'Add thing', 'update x'], 'Replace `indexOf` with `includes`'],
    ['lower-case sentences', ['fix leak', 'add thing', 'Update x'], 'replace `indexOf` with `includes`'],
    ['no history', [], 'Replace `indexOf` with `includes`'],
  ])('%s', (_name, subjects, expected) => {
    expect(composeMessage(claim, say(...subjects), TEST_IDENTITY)).toBe(`${expected}\n`)
  })

  it.each([
    ['indexOf() compared with -1 becomes includes()', 'indexOf() compared with -1 becomes includes()'],
    ['hasOwnProperty borrowed from an object becomes Object.hasOwn', 'hasOwnProperty borrowed from an object becomes Object.hasOwn'],
    ['os.path.join becomes /', 'os.path.join becomes /'],
    ['utf8 is the default', 'utf8 is the default'],
    ['snake_case stays', 'snake_case stays'],
    ['iPhone stays', 'iPhone stays'],
    ['replace it', 'Replace it'],
  ])('a word of code keeps its letters at the front of a sentence: %s', (title, expected) => {
    expect(composeMessage({ ...claim, title }, say('Fix leak', 'Add thing'), TEST_IDENTITY)).toBe(`${expected}\n`)
  })

  it('signs off where the others do, keeps names, cuts long subjects at a word, takes control characters out', () => {
    const conventions = detectConventions(Array.from({ length: 3 }, () => ({ subject: 'fix: a', body: 'Signed-off-by: A <a@b.c>' })))
    const message = composeMessage(
      { ...claim, title: `JSON.parse \u001b[31m${'word '.repeat(30)}`, body: `Why:\n${'reason '.repeat(20)}` },
      conventions,
      TEST_IDENTITY,
    )
    const lines = message.split('\n')
    expect(lines[0]).toMatch(/^refactor: JSON\.parse word .* word…$/)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(72)
    expect(lines.at(-2)).toBe('Signed-off-by: Ada Example <ada@example.org>')
  })

  it('reads the last commits, ours left out', async () => {
    const repository = make()
    for (let index = 0; index < 3; index++) repository.commit('Add a thing')
    for (let index = 0; index < 9; index++) repository.commit(`fix: it\n\nSingularity-Change: c${index}`)
    expect(await readConventions(await repository.open())).toEqual({ style: 'plain', scoped: false, capitalised: true, signedOff: false })
    expect((await readConventions(await make(null).open())).style).toBe('plain')
  })

  it('adds trailers that git itself finds again', () => {
    const values = fc.array(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => /[\p{L}\p{N}]/u.test(text)),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(values, fc.boolean(), (texts, signed) => {
        const message = withTrailers(
          `Subject\n\nBody: of some kind\nmore words\n${signed ? '\nSigned-off-by: A <a@b.c>\n' : ''}`,
          texts.map((text) => [TRAILER.rule, text] as const),
        )
        const parsed = execFileSync('git', ['interpret-trailers', '--parse'], { input: message, encoding: 'utf8' }).trimEnd().split('\n')
        expect(parsed.filter((line) => line.startsWith('Singularity-Rule:'))).toHaveLength(texts.length)
        expect(parseTrailers(message)[TRAILER.rule]).toHaveLength(texts.length)
        expect(parsed.some((line) => line.startsWith('Signed-off-by'))).toBe(signed)
      }),
      { numRuns: 40 },
    )
  })
})

describe('branches', () => {
  it('knows the protected ones', async () => {
    const ask = (name: string, remote: string | null = null) => isProtectedBranch(name, PROTECTED_BRANCHES, remote)
    expect(['main', 'master', 'develop', 'release/1.2', 'trunk', 'release/a/b', 'mainline'].filter((name) => ask(name))).toEqual([
      'main',
      'master',
      'develop',
      'release/1.2',
    ])
    expect(ask('trunk', 'trunk')).toBe(true)
    expect(isProtectedBranch('main', [], null)).toBe(false)
    expect(proposalBranch('r1')).toBe('refs/heads/singularity/r1')
  })

  it("reads the remote's default branch and the signing habit", async () => {
    const origin = make()
    origin.git('branch', '-m', 'trunk')
    const clone = make(null)
    const git = await clone.open()
    expect(await remoteDefaultBranch(git)).toBeNull()
    clone.git('remote', 'add', 'origin', origin.root)
    clone.git('fetch', '--quiet')
    clone.git('remote', 'set-head', 'origin', '--auto')
    expect(await remoteDefaultBranch(git)).toBe('trunk')
    expect(await signsCommits(git)).toBe(false)
    clone.git('config', 'commit.gpgSign', 'true')
    expect(await signsCommits(git)).toBe(true)
  })
})

describe('why', () => {
  it('tells on a plain clone which change made a line', async () => {
    const repository = make({ 'dir/a.txt': 'one\ntwo\n', 'blank.txt': '' })
    const { landing, propose } = await openLanding(repository)
    const trailers = [
      [TRAILER.change, 'c1'],
      [TRAILER.rule, 'js/x'],
      [TRAILER.run, 'r1'],
      [TRAILER.base, 'b'.repeat(40)],
      [TRAILER.evidence, 'sha256:e'],
      [TRAILER.approvedBy, 'Ada Example via inbox'],
    ] as const
    const landed = await landing.land(await propose([file('dir/a.txt', 'one\nTWO\n')], { trailers }))
    repository.git('clone', '--quiet', repository.root, `${repository.root}-clone`)
    repository.write({ 'dir/a.txt': 'zero\none\nTWO\n' })
    const git = await repository.open()
    expect(await explainLine(git, 'dir/a.txt', 3)).toMatchObject({
      text: 'TWO',
      commit: (landed as { commit: string }).commit,
      subject: 'Improve it',
      author: 'Ada Example <ada@example.org>',
      change: 'c1',
      rule: 'js/x',
      run: 'r1',
      base: 'b'.repeat(40),
      evidence: 'sha256:e',
      approvedBy: 'Ada Example via inbox',
      reverts: null,
    })
    expect(await explainLine(git, join(repository.root, 'dir/a.txt'), 2)).toMatchObject({
      file: 'dir/a.txt',
      change: null,
      subject: 'chore: start',
    })
    expect(await explainLine(git, 'dir/a.txt', 1)).toMatchObject({ commit: null, text: 'zero', change: null })
    await expect(explainLine(git, 'dir/a.txt', 99)).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 })
    await expect(explainLine(git, 'none.txt', 1)).rejects.toMatchObject({ code: 'USAGE' })
    const { createGit, discoverRepository } = await import('../../../src/core/git/index.ts')
    const clone = createGit(await discoverRepository({ cwd: `${repository.root}-clone`, env: { PATH: process.env['PATH'] } }), {
      env: { PATH: process.env['PATH'] },
    })
    expect(await explainLine(clone, 'dir/a.txt', 2)).toMatchObject({ change: 'c1', rule: 'js/x' })
  })

  it('finds our trailers inside a squashed message', () => {
    expect(parseTrailers('Squash (#3)\n\n* One\n\nSingularity-Change: c1\n\n* Two\n\nSingularity-Change: c2\n\nThe end.\n')).toEqual({
      'Singularity-Change': ['c1', 'c2'],
    })
  })
})
