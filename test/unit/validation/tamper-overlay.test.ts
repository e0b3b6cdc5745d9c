import { afterEach, describe, expect, it } from 'vitest'
import { baseTestsOverlay, classifyBaseTests, looksLikeTestFile } from '../../../src/core/validation/tamper/index.ts'
import type { TestReport, TestStatus } from '../../../src/core/validation/runner.ts'
import { createRepository, type TestRepository } from '../../support/repository.ts'

const opened: TestRepository[] = []
afterEach(() => {
  for (const repository of opened.splice(0)) repository.cleanup()
})

async function overlay(before: Parameters<TestRepository['write']>[0], after: Parameters<TestRepository['write']>[0]) {
  const repository = createRepository(null)
  opened.push(repository)
  const baseCommit = repository.commit('base', before)
  const candidateCommit = repository.commit('candidate', after)
  const status = repository.snapshot()
  const git = await repository.open()
  const made = await baseTestsOverlay({ git, baseCommit, candidateCommit, isTestFile: looksLikeTestFile })
  expect(repository.snapshot()).toEqual(status)
  return {
    made,
    candidateCommit,
    show: (path: string) => repository.git('show', `${made.commit}:${path}`),
    list: () => repository.git('ls-tree', '-r', '--name-only', made.commit).split('\n'),
  }
}

describe('baseTestsOverlay', () => {
  it('puts the tests of the base on the source of the candidate', async () => {
    const { made, show, list, candidateCommit } = await overlay(
      { 'src/a.js': 'old\n', 'test/a.test.js': 'base test\n', 'test/gone.test.js': 'gone\n', 'readme.md': 'x\n' },
      { 'src/a.js': 'new\n', 'test/a.test.js': 'weaker\n', 'test/gone.test.js': null, 'test/extra.test.js': 'extra\n', 'src/b.js': 'b\n' },
    )
    expect(made.commit).not.toBe(candidateCommit)
    expect(made).toMatchObject({ restored: ['test/a.test.js', 'test/gone.test.js'], removed: ['test/extra.test.js'] })
    expect(list()).toEqual(['readme.md', 'src/a.js', 'src/b.js', 'test/a.test.js', 'test/gone.test.js'])
    expect(show('src/a.js')).toBe('new')
    expect(show('test/a.test.js')).toBe('base test')
  })

  it('is the candidate itself where no test differs', async () => {
    const { made, candidateCommit } = await overlay({ 'src/a.js': 'old\n', 'test/a.test.js': 't\n' }, { 'src/a.js': 'new\n' })
    expect(made).toEqual({ commit: candidateCommit, restored: [], removed: [] })
  })

  it('brings back renamed tests under their old name, and their mode', async () => {
    const { list, made } = await overlay(
      { 'test/a.test.js': 'one\ntwo\nthree\n' },
      { 'test/a.test.js': null, 'test/a.checks.js': 'one\ntwo\nthree\n' },
    )
    expect(list()).toEqual(['test/a.test.js'])
    expect(made.removed).toEqual(['test/a.checks.js'])
  })

  it('takes scripts and runner settings of package.json from the base, dependencies from the candidate', async () => {
    const { show } = await overlay(
      { 'package.json': JSON.stringify({ name: 'a', scripts: { test: 'jest' }, jest: { bail: 0 }, dependencies: { x: '1' } }) },
      { 'package.json': JSON.stringify({ name: 'a', scripts: { test: 'true' }, dependencies: { x: '2' }, vitest: { exclude: ['**'] } }) },
    )
    expect(JSON.parse(show('package.json'))).toEqual({ name: 'a', scripts: { test: 'jest' }, jest: { bail: 0 }, dependencies: { x: '2' } })
  })
})

const report = (tests: Record<string, TestStatus>, complete = true): TestReport => ({
  tests: Object.entries(tests).map(([id, status]) => ({
    id,
    file: id.split(' ')[0]!,
    name: id.split(' ').slice(1).join(' '),
    status,
    ms: 1,
  })),
  complete,
  coarse: false,
  problems: [],
})

describe('classifyBaseTests', () => {
  const baseline = new Map<string, TestStatus>([
    ['a.js one', 'pass'],
    ['a.js two', 'pass'],
    ['b.js three', 'pass'],
    ['b.js red', 'fail'],
  ])
  const touched = (test: { file: string }): boolean => test.file === 'b.js'

  it('takes an untouched test that fails for a regression', () => {
    const verdict = classifyBaseTests(
      baseline,
      report({ 'a.js one': 'fail', 'a.js two': 'pass', 'b.js three': 'pass', 'b.js red': 'fail' }),
      report({ 'a.js one': 'fail', 'a.js two': 'pass', 'b.js three': 'pass' }),
      touched,
    )
    expect(verdict).toEqual({ regressed: ['a.js one'], contract_changed: [], compiles: true })
  })

  it('takes a touched test whose old version fails and whose new one passes for a changed contract', () => {
    const verdict = classifyBaseTests(
      baseline,
      report({ 'a.js one': 'pass', 'a.js two': 'pass', 'b.js three': 'fail' }),
      report({ 'a.js one': 'pass', 'a.js two': 'pass', 'b.js three': 'pass' }),
      touched,
    )
    expect(verdict).toEqual({ regressed: [], contract_changed: ['b.js three'], compiles: true })
  })

  it('takes a touched test that fails in both versions, or is gone from the new one, for a regression', () => {
    const old = report({ 'a.js one': 'pass', 'a.js two': 'pass', 'b.js three': 'fail' })
    expect(
      classifyBaseTests(baseline, old, report({ 'a.js one': 'pass', 'a.js two': 'pass', 'b.js three': 'fail' }), touched).regressed,
    ).toEqual(['b.js three'])
    expect(classifyBaseTests(baseline, old, report({ 'a.js one': 'pass', 'a.js two': 'pass' }), touched).regressed).toEqual(['b.js three'])
  })

  it('an untouched test that vanished or is skipped on the candidate source is a regression too', () => {
    const verdict = classifyBaseTests(
      baseline,
      report({ 'a.js one': 'skip', 'b.js three': 'pass' }),
      report({ 'a.js one': 'skip', 'b.js three': 'pass' }),
      touched,
    )
    expect(verdict.regressed).toEqual(['a.js one', 'a.js two'])
  })

  it('an overlay that does not compile is a changed contract for what was touched, and the candidate decides the rest', () => {
    const verdict = classifyBaseTests(
      baseline,
      report({}, false),
      report({ 'a.js one': 'pass', 'a.js two': 'fail', 'b.js three': 'pass' }),
      touched,
    )
    expect(verdict).toEqual({ regressed: ['a.js two'], contract_changed: ['b.js three'], compiles: false })
  })
})
