import { describe, expect, it } from 'vitest'
import type { PlanEntry, RunnerId, TestReport } from '../../../src/core/validation/index.ts'
import { runnerOf } from '../../../src/core/validation/runners/index.ts'
import { readJunit } from '../../../src/core/validation/runners/junit.ts'

const ROOT = '/home/ada/project'

/** What an adapter makes of given bytes: a report is data from an untrusted program. */
async function parse(
  runner: RunnerId,
  given: { exitCode?: number | null; stdout?: string; stderr?: string; files?: Record<string, string>; entry?: Partial<PlanEntry> },
): Promise<TestReport> {
  const entry: PlanEntry = {
    id: runner,
    runner,
    scope: '',
    command: [],
    env: {},
    timeoutMs: 1,
    origin: '',
    protectedPaths: [],
    ...given.entry,
  }
  const { exitCode = 0, stdout = '', stderr = '', files = {} } = given
  const read = async (name: string): Promise<Buffer | undefined> => (files[name] === undefined ? undefined : Buffer.from(files[name]))
  return runnerOf(runner).parse({ entry, exitCode, stdout, stderr, read, root: ROOT })
}

const jest = (tests: { title: string; status: string }[], more: object = {}): string =>
  JSON.stringify({
    numTotalTests: tests.length,
    testResults: [{ name: `${ROOT}/a.test.js`, status: 'passed', assertionResults: tests }],
    ...more,
  })
const goLines = (...events: object[]): string =>
  events.map((event) => `${JSON.stringify({ Package: 'example.org/x', ...event })}\n`).join('')
const go = { entry: { details: { module: 'example.org/x' } } }

describe('exit 0 without a complete report is never a pass', () => {
  it.each<[RunnerId, Parameters<typeof parse>[1]]>([
    ['vitest', {}],
    ['vitest', { files: { 'vitest.json': jest([{ title: 'a', status: 'passed' }]).slice(0, -20) } }],
    ['jest', { files: { 'jest.json': jest([{ title: 'a', status: 'passed' }], { numTotalTests: 2 }) } }],
    ['jest', { files: { 'jest.json': jest([{ title: 'a', status: 'passed' }], { wasInterrupted: true }) } }],
    ['jest', { files: { 'jest.json': jest([{ title: 'a', status: 'failed' }]) } }],
    ['jest', { exitCode: 1, files: { 'jest.json': jest([{ title: 'a', status: 'passed' }]) } }],
    ['jest', { exitCode: null, files: { 'jest.json': jest([{ title: 'a', status: 'passed' }]) } }],
    ['mocha', { files: { 'mocha.json': '{"tests":[{"title":"a","duration":1,"err":{}}]}' } }],
    ['node-test', { files: { 'node-test.jsonl': '{"type":"pass","name":"a","nesting":0,"file":"/x"}\n' } }],
    ['tap', { stdout: '' }],
    ['tap', { stdout: 'TAP version 13\nok 1 a\n' }],
    ['tap', { stdout: 'TAP version 13\n1..2\nok 1 a\n' }],
    ['tap', { stdout: 'TAP version 13\n1..1\nok 1 a\nBail out! enough\n' }],
    ['ava', { stdout: 'TAP version 13\nok 1 - a\n' }],
    ['pytest', {}],
    ['pytest', { files: { 'pytest.xml': '<testsuites><testsuite tests="1"><testcase name="a"/></testsuite>' } }],
    ['unittest', { files: { 'unittest.jsonl': '{"type":"test","file":"a.py","name":"A.a","status":"pass"}\n' } }],
    ['unittest', { files: { 'unittest.jsonl': '{"type":"end","run":1}' } }],
    ['go', { ...go, stdout: '' }],
    ['go', { ...go, stdout: goLines({ Action: 'run', Test: 'TestA' }) }],
    ['go', { ...go, stdout: goLines({ Action: 'run', Test: 'TestA' }, { Action: 'pass' }) }],
    ['cargo', { stdout: '     Running unittests src/lib.rs (target/debug/deps/x-1)\n\nrunning 2 tests\ntest a ... ok\n' }],
    ['cargo', { stdout: 'running 2 tests\ntest a ... ok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n' }],
    ['cargo', { exitCode: 101, stdout: 'error[E0308]: mismatched types\n' }],
    ['ctest', {}],
    ['ctest', { files: { 'ctest.xml': '<testsuite tests="2"><testcase name="a" status="run"/></testsuite>' } }],
    ['command', { exitCode: null }],
  ])('%s %j', async (runner, given) => {
    expect((await parse(runner, given)).complete).toBe(false)
  })
})

describe('a whole report', () => {
  it('keeps equal names apart, and two that differ in control characters only', async () => {
    const tests = ['same', 'same', 'sa\u001b[31mme', 'sa\u0007me'].map((title) => ({ title, status: 'passed' }))
    const { tests: found, complete } = await parse('jest', { files: { 'jest.json': jest(tests) } })
    expect(complete).toBe(true)
    expect(found.map(({ id }) => id)).toEqual(['a.test.js::same', 'a.test.js::same #2', 'a.test.js::same #3', 'a.test.js::same #4'])
  })

  it('bounds names and messages, and lets no escape sequence through', async () => {
    const title = `\u001b]0;owned\u0007${'x'.repeat(5000)}\u202e\nsecond`
    const files = {
      'jest.json': JSON.stringify({
        testResults: [
          { name: `${ROOT}/a.js`, assertionResults: [{ title, status: 'failed', failureMessages: ['\u001b[2J'.repeat(9000)] }] },
        ],
      }),
    }
    const [test] = (await parse('jest', { exitCode: 1, files })).tests
    expect(test!.name.length).toBeLessThan(500)
    // oxlint-disable-next-line no-control-regex -- that is what must be gone
    expect(`${test!.id}${test!.message}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
  })

  it('marks an expected failure of pytest as to do, not as a pass', async () => {
    const xml = `<testsuites><testsuite tests="3"><testcase classname="t.test_a.TestX" name="a" file="t/test_a.py" time="0.5"/>
      <testcase classname="t.test_a" name="b" file="t/test_a.py"><skipped type="pytest.xfail" message="known"/></testcase>
      <testcase classname="t.test_a" name="c[&lt;&#10;&gt;]" file="t/test_a.py"><skipped type="pytest.skip" message="no"/></testcase></testsuite></testsuites>`
    const { tests, complete } = await parse('pytest', { files: { 'pytest.xml': xml }, entry: { scope: 'py' } })
    expect(complete).toBe(true)
    expect(tests.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'py/t/test_a.py::TestX::a pass',
      'py/t/test_a.py::b todo',
      'py/t/test_a.py::c[< >] skip',
    ])
  })

  it('finds the package of a Go test, and a package that does not build', async () => {
    const stdout = goLines(
      { Action: 'run', Test: 'TestA', Package: 'example.org/x/sub' },
      { Action: 'pass', Test: 'TestA', Package: 'example.org/x/sub', Elapsed: 0.25 },
      { Action: 'pass', Package: 'example.org/x/sub' },
      { Action: 'fail' },
    )
    const { tests, complete } = await parse('go', { exitCode: 1, stdout: `# example.org/x\n./a.go:3:1: syntax error\n${stdout}`, ...go })
    expect(complete).toBe(true)
    expect(tests.map(({ id, status, ms }) => `${id} ${status} ${ms}`)).toEqual(['sub::TestA pass 250', '::(package) error 0'])
  })

  it('drops the line number of a Rust doc test, which moves with every edit above it', async () => {
    const stdout = `   Doc-tests x\n\nrunning 2 tests\ntest src/lib.rs - f (line 3) ... ok\ntest src/lib.rs - f (line 9) ... ok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n`
    const { tests, complete } = await parse('cargo', { stdout })
    expect(complete).toBe(true)
    expect(tests.map(({ id }) => id)).toEqual(['(doc-tests x)::src/lib.rs - f', '(doc-tests x)::src/lib.rs - f #2'])
  })

  it('reads no entity and no document type', () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite><testcase name="&a;"/></testsuite>'
    expect(readJunit(Buffer.from(bomb))).toBeUndefined()
    expect(readJunit(Buffer.from('<testsuite><testcase name="&a;&#x41;&amp;"/></testsuite>'))?.cases[0]?.name).toBe('&a;A&')
    expect(readJunit(Buffer.from('<html></html>'))).toBeUndefined()
  })

  it('of a plain command is coarse, unless it prints a whole TAP stream', async () => {
    expect(await parse('command', { exitCode: 1, stdout: 'no' })).toMatchObject({
      coarse: true,
      complete: true,
      tests: [{ status: 'fail' }],
    })
    expect(await parse('command', { stdout: 'TAP version 13\nok 1 a\n1..1\n' })).toMatchObject({
      coarse: false,
      complete: true,
      tests: [{ name: 'a', status: 'pass' }],
    })
  })
})
