import { buildSync } from 'esbuild'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, type TestRepository } from '../../support/repository.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const grammars = join(root, 'native', 'grammars')

/** What an installation says in a process of its own: a grammar that is not what it seems would end it. */
const PROGRAM = `
import { createGit, discoverRepository } from './src/core/git/index.ts'
import { createRuleSource } from './src/core/improvement/sources/rules.ts'
import { availableLanguages, loadEngine, parseSource, useFetchedGrammars } from './src/core/parsing/index.ts'
const [repository, fetched] = process.argv.slice(2)
useFetchedGrammars([fetched])
const git = createGit(await discoverRepository({ cwd: repository, env: process.env }), { env: process.env })
const base = await git.resolve('HEAD')
const { notes } = await createRuleSource({ git, only: [] }).find({ base, paths: [], isProtected: () => false, maxCandidates: 9 })
console.log(JSON.stringify({
  available: [...availableLanguages()],
  missing: [...loadEngine().missing],
  ruby: parseSource('def f(a) = a.map(&:to_s)', 'ruby')?.errorCount(),
  python: parseSource('x = 1', 'python') === undefined,
  notes,
}))
await git.close()
`

describe('an installation that lacks grammars', () => {
  const folder = mkdtempSync(join(tmpdir(), 'singularity-engine-'))
  const fetched = join(folder, 'fetched')
  let repository: TestRepository
  let answer: { available: string[]; missing: [string, string][]; ruby?: number; python: boolean; notes: string[] }

  beforeAll(() => {
    for (const path of ['dist', 'fetched', 'native/grammars']) mkdirSync(join(folder, path), { recursive: true })
    for (const path of ['node_modules', 'templates_data']) symlinkSync(join(root, path), join(folder, path))
    copyFileSync(join(root, 'native', 'grammars.json'), join(folder, 'native', 'grammars.json'))
    const files = readdirSync(grammars).filter((name) => /tree-sitter-(?:c|java|python|ruby|rust)-.*\.node$/.test(name))
    for (const name of files)
      copyFileSync(join(grammars, name), name.includes('ruby') ? join(fetched, name) : join(folder, 'native', 'grammars', name))
    const damaged = files.find((name) => name.includes('python'))!
    truncateSync(join(folder, 'native', 'grammars', damaged), readFileSync(join(grammars, damaged)).length / 2)
    const program = join(folder, 'dist', 'program.mjs')
    buildSync({
      stdin: { contents: PROGRAM, resolveDir: root },
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'silent',
    })
    repository = createRepository({ 'a.py': 'if x != None:\n    pass\n', 'b.py': 'y = z != None\n', 'c.rb': 'x = 1\n' })
    answer = JSON.parse(execFileSync(process.execPath, [program, repository.root, fetched], { encoding: 'utf8' })) as typeof answer
  })
  afterAll(() => {
    repository.cleanup()
    rmSync(folder, { recursive: true, force: true })
  })

  it('reads the other languages, those that were fetched later on too', () => {
    expect(answer.available).toEqual(['javascript', 'typescript', 'tsx', 'html', 'css', 'rust', 'java', 'ruby', 'c'])
    expect(answer.ruby).toBe(0)
  })

  it('names a damaged and a missing file and loads neither', () => {
    expect(Object.fromEntries(answer.missing)).toEqual({
      python: expect.stringMatching(/tree-sitter-python-.*\.node is damaged$/),
      go: 'the grammar file of go is not here',
    })
    expect(answer.python).toBe(true)
  })

  it('tells which files rules did not look at, and the command that helps', () => {
    expect(answer.notes).toContain('2 files of Python not looked at, the grammar is not here: singularity code languages add python')
    expect(answer.notes.some((note) => note.includes('Go'))).toBe(false)
  })
})
