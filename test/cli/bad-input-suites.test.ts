import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FileContent } from '../support/repository.ts'
import { hasProgram } from '../support/toolchain.ts'
import {
  GOOD_PATCH,
  type Playground,
  TINY,
  candidateOf,
  createPlayground,
  expectProven,
  judge,
  patchAdding,
  patchOf,
  refuses,
} from './playground.ts'

const HEAD = "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\n"
const PATCH = ['improve', '--patch', '-', '--dry-run']

/** The tiny repository with one more test file. */
function withTest(text: string, more: Record<string, FileContent> = {}): Record<string, FileContent> {
  return { ...TINY, 'test/odd.test.js': HEAD + text, ...more }
}

async function inPlayground(files: Record<string, FileContent>, body: (place: Playground) => Promise<void>): Promise<void> {
  const place = createPlayground(files)
  try {
    await body(place)
  } finally {
    place.cleanup()
  }
}

describe('suites with which nothing can be proven', () => {
  it('no tests at all: told with what to do, and a look still works', () =>
    inPlayground({ 'package.json': '{ "name": "bare", "type": "module" }\n', 'src/list.js': TINY['src/list.js']! }, async (place) => {
      const answer = await refuses(place, PATCH, 'NO_TESTS', 6, { input: GOOD_PATCH })
      expect(answer.json.error!.hints.join(' ')).toContain('--test')
      const look = await place.run(['look'])
      expect(look.exitCode, look.stdout).toBe(0)
      expect(look.json.data.notes.join(' ')).toContain('--test')
    }))

  it('a test command that runs no test', () =>
    inPlayground({ ...TINY, 'test/list.test.js': "import '../src/list.js'\n" }, async (place) => {
      await refuses(place, PATCH, 'NO_TESTS', 6, { input: GOOD_PATCH })
    }))

  it('a test command that is not installed', () =>
    inPlayground(
      {
        ...TINY,
        'package.json':
          '{ "name": "x", "type": "module", "scripts": { "test": "vitest run" }, "devDependencies": { "vitest": "1.0.0" } }\n',
      },
      async (place) => {
        const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH })
        expect(answer.json.error!.message + answer.json.error!.hints.join(' ')).toMatch(/node_modules|install/)
      },
    ))

  it('mostly red at the baseline', () =>
    inPlayground(withTest("test('red one', () => assert.equal(1, 2))\ntest('red two', () => assert.equal(1, 2))\n"), async (place) => {
      const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH })
      expect(answer.json.error!.message).toContain('3 tests of 5')
      expect(answer.json.error!.hints.length).toBeGreaterThan(0)
    }))

  it.each([
    [
      'a service',
      "await import('node:net').then(({ connect }) => new Promise((done, fail) => connect(5432, '127.0.0.1').on('error', fail)))",
      'sandbox.services',
    ],
    ['the network', "await fetch('http://example.org')", 'network'],
    ['a file that is not committed', "await import('../src/generated.js')", 'sandbox.include'],
    ['git', "(await import('node:child_process')).execFileSync('git', ['rev-parse', 'HEAD'], { stdio: 'pipe' })", 'sandbox.git'],
  ])('mostly red because the tests need %s: the likeliest cause and its setting are named', (_name, code, setting) =>
    inPlayground(withTest(`test('one', async () => { ${code} })\ntest('two', async () => { ${code} })\n`), async (place) => {
      const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH })
      const { hints } = answer.json.error!
      expect(hints[0]).toMatch(new RegExp(`^perhaps .*${setting}`))
      expect(hints).toHaveLength(3)
    }),
  )

  const THREE = ['sandbox.services', 'plan.test', 'sandbox.include']
  it.skipIf(!hasProgram('pytest'))('pytest: a refused connection, a name that is not found and a missing file are told apart', () =>
    inPlayground(
      {
        'pytest.ini': '[pytest]\n',
        'test_all.py':
          "import socket\n\n\ndef test_fine():\n    pass\n\n\ndef test_service():\n    socket.create_connection(('127.0.0.1', 5432))\n\n\ndef test_name():\n    socket.getaddrinfo('example.org', 80)\n\n\ndef test_file():\n    open('data/generated.json')\n",
      },
      async (place) => {
        const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: patchAdding('a.py', 'a = 1\n') })
        const { message, hints } = answer.json.error!
        expect(message).toContain('1 test of 4')
        expect(hints.map((hint) => /^perhaps .*: set (\S+?):/.exec(hint)?.[1]).toSorted(), hints.join('\n')).toEqual(THREE.toSorted())
      },
    ),
  )

  it.skipIf(!hasProgram('go'))('go: the same', () =>
    inPlayground(
      {
        'go.mod': 'module example.org/demo\n\ngo 1.19\n',
        'demo_test.go':
          'package demo\n\nimport (\n\t"net"\n\t"os"\n\t"testing"\n)\n\nfunc need(t *testing.T, err error) {\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n}\n\nfunc TestFine(t *testing.T) {}\n\nfunc TestService(t *testing.T) {\n\t_, err := net.Dial("tcp", "127.0.0.1:5432")\n\tneed(t, err)\n}\n\nfunc TestName(t *testing.T) {\n\t_, err := net.LookupHost("example.org")\n\tneed(t, err)\n}\n\nfunc TestFile(t *testing.T) {\n\t_, err := os.ReadFile("testdata/generated.json")\n\tneed(t, err)\n}\n',
      },
      async (place) => {
        const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: patchAdding('a.txt', 'a\n') })
        const { hints } = answer.json.error!
        expect(hints.map((hint) => /^perhaps .*: set (\S+?):/.exec(hint)?.[1]).toSorted(), hints.join('\n')).toEqual(THREE.toSorted())
      },
    ),
  )

  it('a suite that never ends', () =>
    inPlayground(withTest("test('forever', () => { for (;;); })\n"), async (place) => {
      const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH, env: { SINGULARITY_PLAN_TIMEOUT: '3s' } })
      expect(answer.json.error!.message).toContain('did not end in time')
      expect(answer.json.error!.hints.join(' ')).toContain('plan.timeout')
    }))

  it('a suite that prints a gigabyte', () =>
    inPlayground(
      withTest("test('loud', () => { const mega = 'x'.repeat(1 << 20); for (let i = 0; i < 1024; i++) process.stdout.write(mega) })\n"),
      async (place) => {
        const answer = await place.run(PATCH, { input: GOOD_PATCH })
        // either the output was swallowed on the way and the tests count, or the run says what happened; never a crash
        if (answer.exitCode === 6) expect(answer.json.error).toMatchObject({ code: 'BASELINE_UNUSABLE' })
        else expectProven(answer, 4)
        expect(answer.stdout.length).toBeLessThan(1 << 20)
      },
    ))

  it('a suite that forks without end', () =>
    inPlayground(
      withTest(
        "import { spawn } from 'node:child_process'\ntest('bomb', async () => {\n  const shell = spawn('sh', ['-c', 'f() { f | f & }; f'], { stdio: 'ignore' })\n  await new Promise((done) => shell.on('close', done))\n  await new Promise((done) => setTimeout(done, 100000))\n})\n",
      ),
      async (place) => {
        const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH, env: { SINGULARITY_PLAN_TIMEOUT: '10s' } })
        expect(answer.json.error!.message).toMatch(/too many processes|too much memory|in time/)
      },
    ))
})

describe('suites that misbehave and still prove something', () => {
  it('some red, some flaky: they do not block and do not count as fixed', () =>
    inPlayground(
      withTest(
        `${Array.from({ length: 17 }, (_value, index) => `test('green ${index}', () => assert.ok(true))`).join('\n')}\ntest('red', () => assert.equal(1, 2))\ntest('flaky', () => assert.ok(process.hrtime.bigint() % 2n === 0n))\n`,
      ),
      async (place) => {
        const answer = await judge(place, GOOD_PATCH)
        const candidate = candidateOf(answer)
        expect(answer.json.data.baseline.red.join()).toContain('red')
        expect(candidate.evidence.tests).toMatchObject({ regressed: [], fixed: [] })
        expect(candidate.reasons.map(({ code }: { code: string }) => code).filter((code: string) => !code.startsWith('metric_'))).toEqual(
          [],
        )
      },
    ))

  it('tests that write into node_modules, into the tree and outside: none of it reaches the repository', () =>
    inPlayground(
      withTest(
        "import { writeFileSync } from 'node:fs'\nconst attempt = (path) => { try { writeFileSync(path, 'written by a test') } catch {} }\ntest('writes', () => { for (const path of ['node_modules/dep/index.js', 'node_modules/new.js', 'src/written.js', '../written.js', `${process.env.HOME}/written`, '.git/written']) attempt(path) })\n",
      ),
      async (place) => {
        place.write({
          '.gitignore': 'node_modules\n',
          'node_modules/dep/index.js': 'module.exports = 1\n',
          'node_modules/dep/package.json': '{ "name": "dep" }\n',
        })
        expectProven(await judge(place, GOOD_PATCH), 4)
        expect(existsSync(join(place.folder, 'written.js'))).toBe(false)
        expect(readdirSync(place.env['HOME']!)).toEqual([])
      },
    ))

  it('tests that kill their parent and every process they see', () =>
    inPlayground(
      withTest("test('kills', () => { for (const pid of [process.ppid, 1]) { try { process.kill(pid, 'SIGKILL') } catch {} } })\n"),
      async (place) => {
        const answer = await refuses(place, PATCH, 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH })
        expect(answer.json.error!.message).toMatch(/report/)
      },
    ))
})

describe('patches that make the suite misbehave', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground()
  })
  afterAll(() => place.cleanup())
  const change = (to: string): string =>
    patchOf('src/list.js', String(TINY['src/list.js']), (text) => text.replace('list.indexOf(item) !== -1', to))

  it('a hang is a roll back', async () => {
    const answer = await judge(place, change('list.includes(item) || (() => { for (;;); })()'), [], {
      env: { SINGULARITY_PLAN_TIMEOUT: '4s' },
    })
    expect(answer.exitCode).toBe(1)
    expect(candidateOf(answer)).toMatchObject({ verdict: 'roll_back', reasons: [{ code: 'hang' }] })
  })

  it('the end of the process is a roll back', async () => {
    const answer = await judge(place, change('list.includes(item) || process.exit(0)'))
    expect(answer.exitCode).toBe(1)
    expect(candidateOf(answer).verdict).toBe('roll_back')
  })

  it('new flakiness is a roll back, not bad luck', async () => {
    // fails three times in four, so that now and then the first run is green: the runs that compare CPU time see it then
    const measured = { env: { SINGULARITY_MEASURE_CPU: 'true' } }
    const answer = await judge(place, change('list.includes(item) || process.hrtime.bigint() % 4n > 0n'), [], measured)
    const { verdict, evidence, reasons } = candidateOf(answer)
    expect({ verdict, regressed: evidence.tests.regressed }, JSON.stringify(reasons)).toEqual({
      verdict: 'roll_back',
      regressed: ['test/list.test.js::has not'],
    })
    expect(answer.exitCode).toBe(1)
  })

  it('an added test waits for a person', async () => {
    const text = `${HEAD}import { has } from '../src/list.js'\ntest('more', () => assert.ok(has([3], 3)))\n`
    const before = place.frozen()
    const answer = await place.run(['improve', '--patch', '-', '--yes'], { input: patchAdding('test/more.test.js', text) })
    expect(place.frozen()).toEqual(before)
    expect(candidateOf(answer).state).not.toBe('landed')
    expect(candidateOf(answer).risk).toBe('high')
  })
})
