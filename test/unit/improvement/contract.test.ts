import { afterEach, describe, expect, it } from 'vitest'
import { checkContract } from '../../../src/core/improvement/contract.ts'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'
import { type FileContent, type TestRepository, createRepository } from '../../support/repository.ts'

let repository: TestRepository | undefined
afterEach(() => repository?.cleanup())

/** The findings about the exported interface of a change that a person hands in. */
async function interfaceFindings(
  files: Record<string, FileContent>,
  change: (made: TestRepository) => void,
  explicit = true,
): Promise<{ ok: boolean; detail: string; privileged?: boolean }[]> {
  repository = createRepository(files)
  const base = repository.git('rev-parse', 'HEAD')
  change(repository)
  repository.git('add', '--all')
  repository.git('commit', '--quiet', '-m', 'change')
  const { findings } = await checkContract({
    git: await repository.open(),
    base,
    commit: repository.git('rev-parse', 'HEAD'),
    scope: '',
    explicit,
    isTestFile: (path) => path.includes('test'),
    baseTestFiles: [],
    facts: async () => createFactReader(packagedParsing),
  })
  return findings.filter(({ name }) => name === 'exported interface').map(({ name: _name, ...rest }) => rest)
}

const LONG = Array.from({ length: 20 }, (_item, index) => `// line ${index}\n`).join('')

describe('a module that goes', () => {
  it('takes its exports with it: a person reads that, a rule may not do it', async () => {
    const files = { 'src/old.js': 'export const a = 1\nexport function b(x) {\n  return x\n}\n', 'src/keep.js': 'export const c = 1\n' }
    const remove = (made: TestRepository): void => void made.git('rm', '--quiet', 'src/old.js')
    expect(await interfaceFindings(files, remove)).toEqual([{ ok: true, detail: 'src/old.js is gone, with a, b', privileged: true }])
    repository!.cleanup()
    expect(await interfaceFindings(files, remove, false)).toMatchObject([{ ok: false }])
  })

  it.each([
    ['python', 'pkg/old.py', `${LONG.replaceAll('//', '#')}def shared(x):\n    return x\n`, 'pkg/new.py'],
    ['typescript', 'src/old.ts', `${LONG}export type shared = number\n`, 'src/new.ts'],
    ['rust', 'src/old.rs', `${LONG}pub fn shared() {}\n`, 'src/new.rs'],
  ])('%s: moved is gone from where it was', async (_language, from, text, to) => {
    expect(await interfaceFindings({ [from]: text }, (made) => void made.git('mv', from, to))).toEqual([
      { ok: true, detail: `${from} moved to ${to}, with shared`, privileged: true },
    ])
  })

  it('go: a name that another file of the package declares is not gone', async () => {
    const files = { 'a.go': `package a\n\n${LONG}func Shared() int { return 1 }\n`, 'b.go': 'package a\n' }
    expect(await interfaceFindings(files, (made) => void made.git('mv', 'a.go', 'c.go'))).toEqual([])
    repository!.cleanup()
    const moved = (made: TestRepository): void => {
      made.git('rm', '--quiet', 'a.go')
      made.write({ 'b.go': 'package a\n\nfunc Shared() int { return 1 }\n' })
    }
    expect(await interfaceFindings(files, moved)).toEqual([])
    repository!.cleanup()
    expect(await interfaceFindings(files, (made) => void made.git('rm', '--quiet', 'a.go'))).toMatchObject([
      { ok: true, detail: 'a.go is gone, with Shared' },
    ])
  })

  it('that exported nothing, or is a test, is no finding', async () => {
    const files = { 'src/run.js': "console.log('x')\n", 'test/helper.js': 'export const help = 1\n', 'notes.md': 'x\n', 'keep.js': '1\n' }
    expect(await interfaceFindings(files, (made) => void made.git('rm', '--quiet', 'src/run.js', 'test/helper.js', 'notes.md'))).toEqual([])
  })
})
