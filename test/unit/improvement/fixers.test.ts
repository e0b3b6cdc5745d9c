import { afterEach, describe, expect, it } from 'vitest'
import { applyEdits } from '../../../src/core/improvement/edits.ts'
import type { Proposal, SourceReport } from '../../../src/core/improvement/index.ts'
import { createFixerSource } from '../../../src/core/improvement/sources/fixers.ts'
import type { FileContent } from '../../support/repository.ts'
import { type ToolchainBench, hasProgram, openToolchainBench } from '../../support/toolchain.ts'

const open: ToolchainBench[] = []
afterEach(() => {
  for (const bench of open.splice(0)) bench.cleanup()
})

const isProtected = (path: string): boolean => /\.(?:test|spec)\.|_test\.go$|\.config\./.test(path)

type Found = SourceReport & { titles: string[]; after(title: string, file: string): Promise<string> }

/** What the fixers of a repository propose, from their real programs in a real jail. */
async function find(
  files: Record<string, FileContent>,
  options: { modules?: boolean; scopes?: string[]; paths?: string[]; path?: string; timeLeft?: () => number } = {},
): Promise<Found> {
  const bench = await openToolchainBench(files, { modules: options.modules ?? true })
  open.push(bench)
  const { git, room, base } = bench
  const source = createFixerSource({
    git,
    sandboxes: room,
    profile: (_base, binaries) => bench.profileFor(binaries),
    runId: '',
    scopes: options.scopes ?? [''],
    path: options.path ?? process.env['PATH'] ?? '',
  })
  const report = await source.find({
    base,
    paths: options.paths ?? [],
    isProtected,
    maxCandidates: 200,
    timeLeft: options.timeLeft ?? (() => 60_000),
  })
  return {
    ...report,
    titles: report.proposals.map(({ title }) => title),
    async after(title, file) {
      const proposal = report.proposals.find((each) => each.title === title) as Proposal
      const before = (await git.reader(base).read(file))!
      return applyEdits(
        Buffer.from(before),
        proposal.sites.filter((site) => site.file === file),
      ).toString('utf8')
    },
  }
}

const MANIFEST = '{ "name": "demo", "type": "module" }\n'
const ESLINT_CONFIG = "export default [{ rules: { 'prefer-const': 'error', 'no-var': 'error', 'no-undef': 'error' } }]\n"
// four bytes, two UTF-16 units, one code point; and letters of two bytes
const UNICODE = "export const face = '😀 ünïcode'; "

describe('a linter that takes too long', () => {
  it.each([
    ['is stopped', 2000],
    ['is not started', 0],
  ])('%s, and the run says so', async (_what, ms) => {
    const endless = { 'package.json': MANIFEST, 'eslint.config.js': 'for (;;);\n', 'src/a.js': 'var a = 1\nexport { a }\n' }
    const { proposals, notes } = await find(endless, { timeLeft: () => ms })
    expect({ proposals, notes }).toEqual({ proposals: [], notes: [expect.stringMatching(/^eslint was stopped: .*--time-limit/)] })
  })
})

describe('eslint', () => {
  const files = {
    'package.json': MANIFEST,
    'eslint.config.js': ESLINT_CONFIG,
    'src/a.js': `${UNICODE}let one = 1\nvar two = 2\nexport const sum = one + two\n`,
    'src/b.js': "// ä😀\nexport function f() {\n  var x = 'ü'; let y = x\n  return y + missing\n}\n",
    'src/a.test.js': 'let inTest = 1\nexport { inTest }\n',
  }

  it('gives one candidate per rule, byte-exact behind other alphabets, and leaves tests alone', async () => {
    const found = await find(files)
    expect(found.notes).toEqual([])
    expect(found.titles.toSorted()).toEqual(['Fix no-var (eslint)', 'Fix prefer-const (eslint)'])
    const [constant] = found.proposals.filter(({ title }) => title === 'Fix prefer-const (eslint)')
    expect(constant).toMatchObject({ source: { kind: 'fixers', id: 'eslint/prefer-const' }, scope: '', explicit: false })
    expect(constant!.sites.map(({ file, line }) => [file, line])).toEqual([
      ['src/a.js', 1],
      ['src/b.js', 3],
    ])
    expect(await found.after('Fix prefer-const (eslint)', 'src/a.js')).toBe(files['src/a.js'].replace('let one', 'const one'))
    expect(await found.after('Fix prefer-const (eslint)', 'src/b.js')).toBe(files['src/b.js'].replace('let y', 'const y'))
    expect(await found.after('Fix no-var (eslint)', 'src/a.js')).toBe(files['src/a.js'].replace('var two', 'let two'))
    expect(await found.after('Fix no-var (eslint)', 'src/b.js')).toBe(files['src/b.js'].replace('var x', 'let x'))
  })

  it('counts from behind a byte order mark', async () => {
    const marked = { ...files, 'src/a.js': `\uFEFF${files['src/a.js']}` }
    const found = await find(marked)
    expect(await found.after('Fix prefer-const (eslint)', 'src/a.js')).toBe(marked['src/a.js'].replace('let one', 'const one'))
  })

  it('restricts itself to the paths of the request and to its package', async () => {
    const found = await find(files, { paths: ['src/b.js'] })
    expect(found.proposals.flatMap(({ sites }) => sites.map(({ file }) => file))).toEqual(['src/b.js', 'src/b.js'])
    const inside = Object.fromEntries(Object.entries(files).map(([path, text]) => [`packages/one/${path}`, text]))
    const scoped = await find(
      { 'package.json': MANIFEST, 'src/c.js': 'let c = 1\nexport { c }\n', ...inside },
      { scopes: ['packages/one'] },
    )
    expect(scoped.titles.toSorted()).toEqual(['Fix no-var (eslint)', 'Fix prefer-const (eslint)'])
    expect(new Set(scoped.proposals.flatMap(({ sites }) => sites.map(({ file }) => file)))).toEqual(
      new Set(['packages/one/src/a.js', 'packages/one/src/b.js']),
    )
  })

  it('runs once at the top of a workspace, and in the packages with a configuration of their own: a candidate per package', async () => {
    const workspace = {
      'package.json': MANIFEST,
      'eslint.config.js': ESLINT_CONFIG,
      'packages/one/package.json': MANIFEST,
      'packages/one/src/a.js': 'var a = 1\nexport { a }\n',
      'packages/two/package.json': MANIFEST,
      'packages/two/src/b.js': 'var b = 1\nexport { b }\n',
      'packages/own/package.json': MANIFEST,
      'packages/own/eslint.config.js': "export default [{ rules: { 'prefer-const': 'error' } }]\n",
      'packages/own/src/c.js': 'let c = 1\nvar d = 2\nexport { c, d }\n',
    }
    const scopes = ['', 'packages/own', 'packages/one', 'packages/two']
    const placesOf = ({ proposals }: Found): string[] =>
      proposals.map(({ scope, source, sites }) => `${scope} ${source.id} ${sites.map(({ file }) => file).join()}`).toSorted()
    expect(placesOf(await find(workspace, { scopes }))).toEqual([
      'packages/one eslint/no-var packages/one/src/a.js',
      'packages/own eslint/prefer-const packages/own/src/c.js',
      'packages/two eslint/no-var packages/two/src/b.js',
    ])
    expect(placesOf(await find(workspace, { scopes, paths: ['packages/two/src'] }))).toEqual([
      'packages/two eslint/no-var packages/two/src/b.js',
    ])
    // the nearest configuration speaks for a package inside a package
    const nested = { 'packages/own/inner/package.json': MANIFEST, 'packages/own/inner/src/d.js': 'var d = 1\nlet e = 2\nexport { d, e }\n' }
    expect(placesOf(await find({ ...workspace, ...nested }, { scopes: [...scopes, 'packages/own/inner'] }))).toContain(
      'packages/own/inner eslint/prefer-const packages/own/inner/src/d.js',
    )
    const clean = {
      ...workspace,
      'packages/own/src/c.js': 'export const c = 1\n',
      'packages/one/src/a.js': '',
      'packages/two/src/b.js': '',
    }
    expect((await find(clean, { scopes })).notes).toEqual(['eslint: nothing to fix in 2 packages.'])
  })

  it('proposes nothing and says so where nothing is to fix, is installed, or runs', async () => {
    const clean = await find({ 'package.json': MANIFEST, 'eslint.config.js': ESLINT_CONFIG, 'src/a.js': 'export const a = 1\n' })
    expect(clean).toMatchObject({ proposals: [], notes: ['eslint: nothing to fix.'] })
    const absent = await find(files, { modules: false })
    expect(absent).toMatchObject({ proposals: [], notes: ['eslint is configured but not installed.'] })
    const broken = await find({ ...files, 'eslint.config.js': 'throw new Error("configuration")\n' })
    expect(broken).toMatchObject({ proposals: [], notes: ['eslint did not run in the sandbox.'] })
    const none = await find({ 'package.json': MANIFEST }, { modules: false })
    expect(none).toMatchObject({ proposals: [], notes: ['fixers: no linter with a fix mode is configured here.'] })
  })
})

describe('biome', () => {
  it('gives one candidate per rule with the hunks of that rule alone', async () => {
    const files = {
      'package.json': MANIFEST,
      'biome.json': '{ "linter": { "rules": { "style": { "useConst": "error", "useTemplate": "error" } } } }\n',
      'src/a.js': `${UNICODE}let one = 1\nexport const text = 'ü' + one + '!'\n`,
      'src/a.test.js': 'let inTest = 1\nexport { inTest }\n',
    }
    const found = await find(files)
    expect(found.notes).toEqual([])
    expect(found.titles.toSorted()).toContain('Fix style/useConst (biome)')
    expect(await found.after('Fix style/useConst (biome)', 'src/a.js')).toBe(files['src/a.js'].replace('let one', 'const one'))
    expect(new Set(found.proposals.flatMap(({ sites }) => sites.map(({ file }) => file)))).toEqual(new Set(['src/a.js']))
  })
})

describe('oxlint', () => {
  it('gives one candidate per rule with the hunks of that rule alone', async () => {
    const files = {
      'package.json': MANIFEST,
      '.oxlintrc.json': '{ "rules": { "prefer-const": "error", "no-var": "error" } }\n',
      'src/a.js': `${UNICODE}var one = 1\n\nexport function f(a) {\n  let two = 'ü'\n  return a + one + two + '\\d'\n}\n`,
      'src/a.test.js': 'var inTest = 1\nexport { inTest }\n',
    }
    const found = await find(files)
    expect(found.notes).toEqual([])
    expect(found.titles.toSorted()).toEqual(['Fix no-useless-escape (oxlint)', 'Fix no-var (oxlint)', 'Fix prefer-const (oxlint)'])
    const before = files['src/a.js']
    expect(await found.after('Fix no-var (oxlint)', 'src/a.js')).toBe(before.replace('var one', 'const one'))
    expect(await found.after('Fix prefer-const (oxlint)', 'src/a.js')).toBe(before.replace('let two', 'const two'))
    expect(await found.after('Fix no-useless-escape (oxlint)', 'src/a.js')).toBe(before.replace('\\d', 'd'))
    expect(new Set(found.proposals.flatMap(({ sites }) => sites.map(({ file }) => file)))).toEqual(new Set(['src/a.js']))
  })
})

// The list of tools that may be missing is empty for these: the machine that runs the conformance suite has Go.
describe.skipIf(!hasProgram('gofmt'))(`gofmt${hasProgram('gofmt') ? '' : ' (skipped: gofmt is not installed)'}`, () => {
  it('is one candidate: the format', async () => {
    const files = {
      'go.mod': 'module example.org/demo\n\ngo 1.19\n',
      'a.go': 'package demo\n\n// ünï 😀\nfunc  Add(a,b int) int {\n    return a+b\n}\n',
      'a_test.go': 'package demo\n\nvar  X = 1\n',
      'clean.go': 'package demo\n\nvar Y = 1\n',
    }
    const found = await find(files, { modules: false })
    expect(found).toMatchObject({ notes: [], titles: ['Fix format (gofmt)'] })
    expect(await found.after('Fix format (gofmt)', 'a.go')).toBe('package demo\n\n// ünï 😀\nfunc Add(a, b int) int {\n\treturn a + b\n}\n')
    expect(new Set(found.proposals[0]!.sites.map(({ file }) => file))).toEqual(new Set(['a.go']))
  })

  it('says so where there is no gofmt', async () => {
    const found = await find({ 'go.mod': 'module example.org/demo\n\ngo 1.19\n' }, { modules: false, path: '/nonexistent' })
    expect(found.notes).toEqual(['gofmt is configured but not installed.'])
  })
})

const clippyHere = hasProgram('cargo-clippy')
describe.skipIf(!clippyHere)(`clippy${clippyHere ? '' : ' (skipped: cargo-clippy is not installed)'}`, () => {
  it("gives the compiler's machine-applicable suggestions, one candidate per lint", async () => {
    const files = {
      'Cargo.toml': '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n',
      'Cargo.lock': 'version = 3\n\n[[package]]\nname = "demo"\nversion = "0.1.0"\n',
      'src/lib.rs': `/// ünï 😀
pub fn f(a: bool) -> &'static str {
    let x = "😀ü"; return if a == true { x } else { "no" };
}
`,
    }
    const found = await find(files, { modules: false })
    expect(found.titles.toSorted()).toEqual(['Fix bool_comparison (clippy)', 'Fix needless_return (clippy)'])
    const before = files['src/lib.rs']
    expect(await found.after('Fix bool_comparison (clippy)', 'src/lib.rs')).toBe(before.replace('a == true', 'a'))
    expect(await found.after('Fix needless_return (clippy)', 'src/lib.rs')).toBe(before.replace('return if', 'if').replace('};\n', '}\n'))
  })

  it('is asked once for a workspace, and in a member where only that was asked for', async () => {
    const member = (name: string): Record<string, string> => ({
      [`crates/${name}/Cargo.toml`]: `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n`,
      [`crates/${name}/src/lib.rs`]: 'pub fn f(a: bool) -> bool {\n    return a;\n}\n',
    })
    const files = {
      'Cargo.toml': '[workspace]\nmembers = ["crates/*"]\nresolver = "2"\n',
      'Cargo.lock': 'version = 3\n\n[[package]]\nname = "one"\nversion = "0.1.0"\n\n[[package]]\nname = "two"\nversion = "0.1.0"\n',
      ...member('one'),
      ...member('two'),
    }
    const scopes = ['', 'crates/one', 'crates/two']
    const filesOf = ({ proposals }: Found): string[] => proposals.flatMap(({ sites }) => sites.map(({ file }) => file)).toSorted()
    expect(filesOf(await find(files, { modules: false, scopes }))).toEqual(['crates/one/src/lib.rs', 'crates/two/src/lib.rs'])
    expect(filesOf(await find(files, { modules: false, scopes, paths: ['crates/two'] }))).toEqual(['crates/two/src/lib.rs'])
  })
})
