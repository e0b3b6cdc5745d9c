import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSuite, outcomes, type SuiteBench } from '../../support/suites.ts'
import { toolchainModules } from '../../support/toolchain.ts'

let modules: string
let suite: SuiteBench | undefined
beforeAll(() => {
  modules = toolchainModules()
}, 300_000)
afterEach(async () => {
  await suite?.close()
  suite = undefined
})

type Dialect = {
  runner: string
  script: string
  type?: 'module'
  /** Where test files live, and how they are written. */
  file: (name: string) => string
  source: string
  /** Header, a passing, a failing, a skipped and a todo test, and one name twice. */
  all: string
  expected: string[]
  crash: string
  exit: string
  hang: string
  only: string
  /** The runner names the file of a test and can run one file alone. */
  files: boolean
}

const SOURCE_ESM = `export function used(n) {
  if (n > 10) {
    return 5
  }
  return n
}
export function unused(n) {
  return n * 2
}
`
const SOURCE_CJS = `${SOURCE_ESM.replaceAll('export ', '')}module.exports = { used, unused }\n`
const FIVE = ['bad: fail', 'good: pass', 'later: todo', 'off: skip', 'twice: pass', 'twice: pass']

const expecting = (header: string): Pick<Dialect, 'all' | 'crash' | 'exit' | 'hang' | 'only'> => ({
  all: `${header}
test('good', () => { expect(used(1)).toBe(1) })
test('bad', () => { expect(used(1)).toBe(2) })
test.skip('off', () => {})
test.todo('later')
test('twice', () => {})
test('twice', () => {})
`,
  crash: `${header}\nthrow new Error('dead on arrival')\n`,
  exit: `${header}\ntest('first', () => {})\ntest('quits', () => { process.exit(0) })\ntest('last', () => {})\n`,
  hang: `${header}\ntest('forever', () => { for (;;); })\n`,
  only: `${header}\ntest('alone', () => { expect(used(3)).toBe(3) })\n`,
})

const DIALECTS: Dialect[] = [
  {
    runner: 'vitest',
    script: 'cross-env A=b vitest run --coverage',
    type: 'module',
    file: (name) => `test/${name}.test.js`,
    source: SOURCE_ESM,
    ...expecting("import { expect, test } from 'vitest'\nimport { used } from '../src/a.js'"),
    expected: FIVE,
    files: true,
  },
  {
    runner: 'jest',
    script: 'npm run unit && echo done',
    file: (name) => `test/${name}.test.js`,
    source: SOURCE_CJS,
    ...expecting("const { used } = require('../src/a.js')"),
    expected: FIVE,
    files: true,
  },
  {
    runner: 'mocha',
    script: 'c8 mocha test/*.js',
    type: 'module',
    file: (name) => `test/${name}.js`,
    source: SOURCE_ESM,
    all: `import assert from 'node:assert'
import { used } from '../src/a.js'
it('good', () => assert.equal(used(1), 1))
it('bad', () => assert.equal(used(1), 2))
it.skip('off', () => {})
it('later')
it('twice', () => {})
it('twice', () => {})
`,
    // Mocha does not tell a skipped test from one without a body.
    expected: FIVE.map((line) => line.replace('later: todo', 'later: skip')).toSorted(),
    crash: "throw new Error('dead on arrival')\n",
    exit: "it('first', () => {})\nit('quits', () => process.exit(0))\nit('last', () => {})\n",
    hang: "it('forever', () => { for (;;); })\n",
    only: "import assert from 'node:assert'\nimport { used } from '../src/a.js'\nit('alone', () => assert.equal(used(3), 3))\n",
    files: true,
  },
  {
    runner: 'node-test',
    script: 'node --test test/*.test.js',
    type: 'module',
    file: (name) => `test/${name}.test.js`,
    source: SOURCE_ESM,
    all: `import assert from 'node:assert'
import { test } from 'node:test'
import { used } from '../src/a.js'
test('good', () => assert.equal(used(1), 1))
test('bad', () => assert.equal(used(1), 2))
test('off', { skip: true }, () => {})
test('later', { todo: true }, () => {})
test('twice', () => {})
test('twice', () => {})
`,
    expected: FIVE,
    crash: "throw new Error('dead on arrival')\n",
    exit: `import { test } from 'node:test'
test('first', () => {})
test('quits', () => process.exit(0))
test('last', () => {})
`,
    hang: "import { test } from 'node:test'\ntest('forever', () => { for (;;); })\n",
    only: "import assert from 'node:assert'\nimport { test } from 'node:test'\nimport { used } from '../src/a.js'\ntest('alone', () => assert.equal(used(3), 3))\n",
    files: true,
  },
  {
    runner: 'tap',
    script: 'tape test/*.js | tap-spec',
    type: 'module',
    file: (name) => `test/${name}.js`,
    source: SOURCE_ESM,
    all: `import test from 'tape'
import { used } from '../src/a.js'
test('good', (t) => { t.equal(used(1), 1, 'is one'); t.end() })
test('bad', (t) => { t.equal(used(1), 2, 'is two'); t.end() })
test('off', (t) => { t.skip('not now'); t.end() })
test('later', { todo: true }, (t) => { t.fail('soon'); t.end() })
test('twice', (t) => { t.pass('yes'); t.pass('yes'); t.end() })
`,
    expected: [
      'bad > is two: fail',
      'good > is one: pass',
      'later > soon: todo',
      'off > not now: skip',
      'twice > yes: pass',
      'twice > yes: pass',
    ],
    crash: "throw new Error('dead on arrival')\n",
    exit: "import test from 'tape'\ntest('quits', (t) => { t.plan(2); t.pass('one'); process.exit(0) })\n",
    hang: "import test from 'tape'\ntest('forever', (t) => { for (;;); })\n",
    only: "import test from 'tape'\nimport { used } from '../src/a.js'\ntest('alone', (t) => { t.equal(used(3), 3, 'three'); t.end() })\n",
    files: false,
  },
  {
    runner: 'ava',
    script: 'ava',
    type: 'module',
    file: (name) => `test/${name}.test.js`,
    source: SOURCE_ESM,
    all: `import test from 'ava'
import { used } from '../src/a.js'
test('good', (t) => t.is(used(1), 1))
test('bad', (t) => t.is(used(1), 2))
test.skip('off', (t) => t.pass())
test.todo('later')
test('twice', (t) => t.pass())
`,
    // AVA itself refuses a title that is used twice.
    expected: FIVE.slice(0, 5),
    crash: "throw new Error('dead on arrival')\n",
    exit: "import test from 'ava'\ntest('first', (t) => t.pass())\ntest('quits', () => process.exit(0))\n",
    hang: "import test from 'ava'\ntest('forever', () => { for (;;); })\n",
    only: "import test from 'ava'\nimport { used } from '../src/a.js'\ntest('alone', (t) => t.is(used(3), 3))\n",
    files: false,
  },
]

describe.each(DIALECTS)('$runner', (dialect) => {
  const open = async (tests: Record<string, string>): Promise<SuiteBench> => {
    const manifest = { name: 'x', ...(dialect.type && { type: dialect.type }), scripts: { test: dialect.script, unit: 'jest --watch' } }
    const named = Object.entries(tests).map(([name, text]) => [dialect.file(name), text])
    suite = await openSuite(
      { 'package.json': JSON.stringify(manifest), 'src/a.js': dialect.source, ...Object.fromEntries(named) },
      { modules },
    )
    return suite
  }

  it('reports every test by name, and one name twice as two', async () => {
    const { plan, run } = await open({ all: dialect.all })
    expect(plan.entries.map(({ runner }) => runner)).toEqual([dialect.runner])
    const result = await run()
    expect(result.report.problems, result.tail).toEqual([])
    expect(outcomes(result)).toEqual(dialect.expected)
    expect(result.report).toMatchObject({ complete: true, coarse: false })
    expect(new Set(result.report.tests.map(({ id }) => id)).size).toBe(dialect.expected.length)
    if (dialect.files) expect(new Set(result.report.tests.map(({ file }) => file))).toEqual(new Set([dialect.file('all')]))
  })

  it('never takes a file that dies for a pass', async () => {
    const { run } = await open({ fine: dialect.only, crash: dialect.crash })
    const { report } = await run()
    const failed = report.tests.filter(({ status }) => status === 'fail' || status === 'error')
    expect(failed.length > 0 || !report.complete).toBe(true)
  })

  it('never takes exit 0 in the middle for a complete pass', async () => {
    const { run } = await open({ exit: dialect.exit })
    const { report } = await run()
    const green = report.complete && report.tests.length > 0 && report.tests.every(({ status }) => status === 'pass')
    expect(green).toBe(false)
  })

  it('is ended when it hangs, without a score', async () => {
    const { run } = await open({ hang: dialect.hang })
    const result = await run({}, { timeoutMs: 5000 })
    expect(result.timedOut).toBe(true)
    expect(result.report.complete).toBe(false)
  })

  it('runs one file, and tells which lines ran', async () => {
    const { run } = await open({ only: dialect.only, all: dialect.all })
    const result = await run({ files: [dialect.file('only')], coverage: true })
    expect(outcomes(result), result.tail).toHaveLength(1)
    const lines = result.coverage?.get('src/a.js')
    expect([2, 5].every((line) => lines?.executed.has(line))).toBe(true)
    expect([3, 8].some((line) => lines?.executed.has(line))).toBe(false)
    expect([2, 3, 5, 8].every((line) => lines?.executable.has(line))).toBe(true)
  })
})
