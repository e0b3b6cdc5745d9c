import { afterEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../../src/core/sandbox/index.ts'
import { type CommandStep, lintOf, runStep, type StepRun } from '../../../src/core/validation/index.ts'
import { openSandboxBench, type SandboxBench } from '../../support/sandbox.ts'

let bench: SandboxBench | undefined
afterEach(() => {
  bench?.cleanup()
  bench = undefined
})

/** Runs a shell line as a lint step in a real jail. */
async function step(script: string, scope = ''): Promise<StepRun> {
  bench = await openSandboxBench({ 'a.js': '', 'pkg/b.js': '' })
  const commit = (await bench.git.resolve('HEAD'))!
  const sandbox: Sandbox = await bench.room.create({ commit, purpose: 'validate', profile: bench.profile })
  const run = await runStep({
    sandbox,
    step: { id: 'lint', kind: 'lint', scope, command: ['sh', '-c', script], timeoutMs: 20_000, origin: '' },
  })
  await sandbox.discard()
  return run
}

describe('a check', () => {
  it('is read by the places it complains about', async () => {
    const run = await step("echo 'src/a.ts(3,5): error TS1: no'; echo 'src/b.py:7: error: no'; echo '4 problems'; exit 2")
    expect(run).toMatchObject({
      exitCode: 2,
      diagnostics: 2,
      places: [
        { file: 'src/a.ts', line: 3 },
        { file: 'src/b.py', line: 7 },
      ],
    })
  })

  it("is read from ESLint's JSON, with paths relative to the package", async () => {
    const run = await step(
      `printf '[{"filePath":"%s/b.js","messages":[{"ruleId":"semi","line":2,"message":"Missing"}]}]\\n' "$PWD"; exit 1`,
      'pkg',
    )
    expect(run).toMatchObject({ exitCode: 1, diagnostics: 1, places: [{ file: 'b.js', line: 2 }], tail: 'b.js:2: Missing (semi)' })
  })

  it('is read from GitHub annotations', async () => {
    const run = await step("echo '::error title=lint/x,file=src/a.js,line=3,endLine=3,col=1::no'")
    expect(run.places).toEqual([{ file: 'src/a.js', line: 3 }])
  })

  it('has no answer where its program is not there', async () => {
    expect((await step('exec ruffian check .')).exitCode).toBeNull()
    bench!.cleanup()
    expect((await step("echo '/usr/bin/python3: No module named mypy'; exit 1")).exitCode).toBeNull()
  })
})

describe('the lint of some files', () => {
  const step = (id: string, command: string[], more: Partial<CommandStep> = {}): CommandStep => ({
    id,
    kind: 'lint',
    scope: '',
    command,
    timeoutMs: 1,
    origin: '',
    ...more,
  })
  const files = ['a.js', 'pkg/b.ts', 'pkg/c.py', 'README.md']

  it('names those it can read in the place of the folder', () => {
    expect(lintOf(step('eslint', ['eslint', '--format', 'json', '.']), files)?.command).toEqual([
      'eslint',
      '--format',
      'json',
      './a.js',
      './pkg/b.ts',
    ])
    expect(lintOf(step('oxlint', ['oxlint', '--format=unix']), ['a.js'])?.command).toEqual(['oxlint', '--format=unix', './a.js'])
    expect(lintOf(step('ruff:pkg', ['ruff', 'check', '.'], { scope: 'pkg' }), files)?.command).toEqual(['ruff', 'check', './c.py'])
  })

  it('is none for what looks at packages, checks types, or has no file of its own', () => {
    expect(lintOf(step('go-vet', ['go', 'vet', './...']), ['a.go'])).toBeNull()
    expect(lintOf(step('mypy', ['mypy', '.'], { kind: 'types' }), files)).toBeNull()
    expect(lintOf(step('ruff', ['ruff', 'check', '.']), ['a.js'])).toBeNull()
  })
})
