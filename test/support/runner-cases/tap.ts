import type { RunnerCase } from './case.ts'

const manifest = (test: string, extra: object = {}): string =>
  `${JSON.stringify({ name: 'demo', version: '1.0.0', type: 'module', scripts: { test }, ...extra }, null, 2)}\n`
const SOURCE = 'export function add(a, b) {\n  return a + b\n}\n\nexport function never(a) {\n  return a * 2\n}\n'
const COVERAGE = { file: 'src/math.js', executed: [2], not: [6] }
const TAPE = "import test from 'tape'\nimport { add } from '../src/math.js'\n"
const TAP = "import { test } from 'tap'\nimport { add } from '../src/math.js'\n"
const AVA = "import test from 'ava'\nimport { add } from '../src/math.js'\n"

export const TAPE_CASE: RunnerCase = {
  name: 'tape',
  runner: 'tap',
  tool: 'node',
  modules: true,
  files: { 'package.json': manifest("tape 'test/*.js'", { devDependencies: { tape: '*' } }), 'src/math.js': SOURCE },
  suite: {
    'test/math.js': `${TAPE}
test('adds', (t) => { t.equal(add(1, 2), 3, 'sum'); t.end() })
test('is wrong', (t) => { t.equal(add(1, 2), 4, 'sum'); t.end() })
test('skipped', { skip: true }, (t) => { t.fail(); t.end() })
test('later', { todo: true }, (t) => { t.equal(1, 2, 'open'); t.end() })
test('twice', (t) => { t.ok(true, 'same'); t.ok(true, 'same'); t.end() })
`,
  },
  statuses: {
    '::adds > sum': 'pass',
    '::is wrong > sum': 'fail',
    '::twice > same': 'pass',
    '::twice > same #2': 'pass',
    '::later > open': 'todo',
    '::skipped': 'skip',
  },
  coverage: COVERAGE,
  dies: {
    suite: {
      'test/broken.js': `${TAPE}throw new Error('dies on load')\n`,
      'test/fine.js': `${TAPE}test('fine', (t) => { t.ok(add(1, 1), 'fine'); t.end() })\n`,
    },
  },
  exits: {
    'test/leaves.js': `${TAPE}test('before', (t) => { t.ok(add(1, 1), 'before'); t.end() })\ntest('leaves', () => { process.exit(0) })\ntest('after', (t) => { t.fail('after'); t.end() })\n`,
  },
  hangs: { 'test/hangs.js': `${TAPE}test('hangs', (t) => { for (;;); })\n` },
  empty: { 'test/empty.js': `${TAPE}void test\nvoid add\n` },
}

export const TAP_CASE: RunnerCase = {
  name: 'node-tap',
  runner: 'tap',
  tool: 'node',
  modules: true,
  files: { 'package.json': manifest('tap test/*.js', { devDependencies: { tap: '*' } }), 'src/math.js': SOURCE },
  suite: {
    'test/math.js': `${TAP}
test('adds', (t) => { t.equal(add(1, 2), 3, 'sum'); t.end() })
test('is wrong', (t) => { t.equal(add(1, 2), 4, 'sum'); t.end() })
test('skipped', { skip: true }, (t) => { t.fail(); t.end() })
test('later', { todo: true }, (t) => { t.equal(1, 2, 'open'); t.end() })
test('twice', (t) => { t.ok(true, 'same'); t.ok(true, 'same'); t.end() })
`,
    'test/other.js': `${TAP}test('alone', (t) => { t.ok(add(1, 1), 'yes'); t.end() })\n`,
  },
  statuses: {
    'test/math.js::adds > sum': 'pass',
    'test/math.js::is wrong > sum': 'fail',
    'test/math.js::skipped': 'skip',
    'test/math.js::later': 'todo',
    'test/math.js::twice > same': 'pass',
    'test/math.js::twice > same #2': 'pass',
    'test/other.js::alone > yes': 'pass',
  },
  selection: { files: ['test/other.js'], ids: ['test/other.js::alone > yes'] },
  coverage: COVERAGE,
  dies: {
    suite: {
      'test/broken.js': `${TAP}throw new Error('dies on load')\n`,
      'test/fine.js': `${TAP}test('fine', (t) => { t.ok(add(1, 1), 'fine'); t.end() })\n`,
    },
    healthy: 'test/fine.js::fine > fine',
  },
  exits: {
    'test/leaves.js': `${TAP}test('before', (t) => { t.ok(add(1, 1), 'before'); t.end() })\ntest('leaves', () => { process.exit(0) })\ntest('after', (t) => { t.fail('after'); t.end() })\n`,
  },
  hangs: { 'test/hangs.js': `${TAP}test('hangs', (t) => { for (;;); })\n` },
  empty: { 'test/empty.js': `${TAP}void test\nvoid add\n` },
}

export const AVA_CASE: RunnerCase = {
  name: 'ava',
  runner: 'ava',
  tool: 'node',
  modules: true,
  files: { 'package.json': manifest('ava --verbose', { devDependencies: { ava: '*' } }), 'src/math.js': SOURCE },
  suite: {
    'test/math.js': `${AVA}
test('adds', (t) => { t.is(add(1, 2), 3) })
test('is wrong', (t) => { t.is(add(1, 2), 4) })
test.skip('skipped', (t) => { t.fail() })
test.todo('later')
test.failing('known', (t) => { t.is(add(1, 1), 3) })
`,
    'test/other.js': `${AVA}test('alone', (t) => { t.is(add(1, 1), 2) })\n`,
  },
  statuses: {
    'test/math.js::adds': 'pass',
    'test/math.js::is wrong': 'fail',
    'test/math.js::skipped': 'skip',
    'test/math.js::later': 'todo',
    'test/math.js::known': 'todo',
    'test/other.js::alone': 'pass',
  },
  selection: { files: ['test/other.js'], ids: ['test/other.js::alone'] },
  coverage: COVERAGE,
  dies: {
    suite: {
      'test/broken.js': `${AVA}test('unreached', (t) => { t.pass() })\nthrow new Error('dies on load')\n`,
      'test/fine.js': `${AVA}test('fine', (t) => { t.is(add(1, 1), 2) })\n`,
    },
    healthy: 'test/fine.js::fine',
  },
  exits: {
    'test/leaves.js': `${AVA}test.serial('before', (t) => { t.is(add(1, 1), 2) })\ntest.serial('leaves', () => { process.exit(0) })\ntest.serial('after', (t) => { t.fail() })\n`,
  },
  hangs: { 'test/hangs.js': `${AVA}test('hangs', (t) => { for (;;); })\n` },
  empty: { 'test/empty.js': `${AVA}void test\nvoid add\n` },
}
