import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countHistory, isFix } from '../../../src/core/analysis/index.ts'
import { readHistory } from '../../../src/core/git/index.ts'
import { type TestRepository, createRepository } from '../../support/repository.ts'

const fix = (subject: string, body = ''): boolean => isFix({ subject, body })

describe('a commit mends something', () => {
  it.each([
    ['fix: a loop that never ends'],
    ['fix(parser)!: a loop'],
    ['hotfix: dates'],
    ['revert: feat: dates'],
    ['Fixed the crash on empty input'],
    ['Bugfix for #12'],
    ['Revert "Add dates"'],
    ['net: fix a null pointer, CVE-2024-1234'],
  ])('%s', (subject) => expect(fix(subject)).toBe(true))

  it.each([
    ['feat: prefix of names'],
    ['docs: fix the example'],
    ['refactor: fixed point'],
    ['Fix typo in the readme'],
    ['Add fixtures'],
    ['Suffix arrays'],
    ['chore: bugs go to the tracker'],
  ])('not: %s', (subject) => expect(fix(subject)).toBe(false))

  it('by what stands below the subject', () => {
    expect(fix('feat: dates', 'Fixes #12')).toBe(true)
    expect(fix('parse dates', 'Some words.\n\nFixes: 1a2b3c4d5e6f ("parse dates")\n')).toBe(true)
    expect(fix('parse dates', 'closes #12, fixes nothing')).toBe(false)
  })
})

describe('the history of files', () => {
  let repository: TestRepository
  const body = (at: number): string => Array.from({ length: 12 }, (_, line) => `const line${line} = ${line === 3 ? at : line}\n`).join('')
  beforeAll(() => {
    repository = createRepository({ 'old name.js': body(0), 'keep.js': body(100), 'bin.dat': Buffer.from([0, 1, 2]) })
    repository.commit('fix: first', { 'old name.js': body(1) })
    repository.git('checkout', '-q', '-b', 'side')
    repository.commit('feat: on the side', { 'old name.js': body(1).replace('line9 = 9', 'line9 = 99') })
    repository.git('checkout', '-q', 'main')
    repository.git('mv', 'old name.js', 'töpfe\tnew.js')
    repository.commit('refactor: a better name')
    repository.git('merge', '-q', '--no-edit', 'side')
    repository.commit('fix: second', { 'töpfe\tnew.js': body(2).replace('line9 = 9', 'line9 = 99'), 'bin.dat': Buffer.from([0, 2, 2]) })
    repository.commit('style: everywhere', Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`many/${i}.js`, `a${i}\n`])))
    repository.git('mv', 'keep.js', 'kept.js')
    repository.commit('refactor: moved', { 'kept.js': body(101) })
    repository.commit('feat: new under an old name', { 'keep.js': 'nothing in common\n' })
  })
  afterAll(() => repository.cleanup())

  const counted = async (mostFiles = 30) => {
    const git = await repository.open()
    const commits = await readHistory(git)
    const present = new Set(repository.git('ls-files', '-z').split('\0'))
    return countHistory(commits, { present, mostFiles })
  }

  it('follows moves, also those of another branch, and leaves out merges and mass commits', async () => {
    const { files, commits } = await counted()
    expect(commits).toEqual({ read: 8, mass: 1 })
    // added, first, on the side, second; moving it is no change
    expect(files.get('töpfe\tnew.js')).toMatchObject({ changes: 4, fixes: 2, authors: 1, lastFix: { subject: 'fix: second' } })
    expect(files.has('old name.js')).toBe(false)
    expect(files.get('kept.js')).toMatchObject({ changes: 2, lastFix: null })
    expect(files.get('keep.js')).toMatchObject({ changes: 1, lastChange: { subject: 'feat: new under an old name' } })
    expect(files.get('bin.dat')).toMatchObject({ changes: 2 })
    expect(files.has('many/3.js')).toBe(false)
    expect((await counted(31)).files.get('many/3.js')).toMatchObject({ changes: 1 })
  })

  it('is empty where nothing was committed, and begins where it is told', async () => {
    const empty = createRepository(null)
    try {
      expect(await readHistory(await empty.open())).toEqual([])
    } finally {
      empty.cleanup()
    }
    const git = await repository.open()
    const [newest] = await readHistory(git)
    expect(await readHistory(git, { since: newest!.time + 1000 })).toEqual([])
    expect((await readHistory(git, { paths: ['keep.js'] })).map(({ changes }) => changes.map(({ path }) => path))).toEqual([
      ['keep.js'],
      ['keep.js'],
      ['keep.js'],
    ])
  })
})
