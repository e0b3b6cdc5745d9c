import type { RunnerCase } from './case.ts'

const manifest = (test: string, extra: object = {}): string =>
  `${JSON.stringify({ name: 'demo', version: '1.0.0', type: 'module', scripts: { test }, ...extra }, null, 2)}\n`

const SOURCE = 'export function add(a, b) {\n  return a + b\n}\n\nexport function never(a) {\n  return a * 2\n}\n'
const COVERAGE = { file: 'src/math.js', executed: [2], not: [6] }

/** The same suite in the dialect of describe/it runners. `api` is its import, `equal` its assertion. */
function suites(options: {
  api: string
  equal: (a: string, b: string) => string
  skip: string
  todo: string
  folder: string
  end: string
}) {
  const { api, equal, skip, todo, folder, end } = options
  const head = `${api}\nimport { add } from '../src/math.js'\n`
  const file = (name: string): string => `${folder}/${name}${end}`
  const good = `${head}test('still here', () => { ${equal('add(1, 1)', '2')} })\n`
  return {
    file,
    suite: {
      [file('math')]: `${head}
test('adds', () => { ${equal('add(1, 2)', '3')} })
test('is wrong', () => { ${equal('add(1, 2)', '4')} })
${skip}
${todo}
test('twice', () => { ${equal('add(2, 2)', '4')} })
test('twice', () => { ${equal('add(2, 2)', '5')} })
describe('group ünïcode', () => { test('inner', () => { ${equal('add(0, 0)', '0')} }) })
`,
      [file('other')]: `${head}test('alone', () => { ${equal('add(1, 1)', '2')} })\n`,
    },
    dies: { [file('broken')]: `${head}test('unreached', () => {})\nthrow new Error('dies on load')\n`, [file('fine')]: good },
    exits: {
      [file('leaves')]:
        `${head}test('before', () => {})\ntest('leaves', () => { process.exit(0) })\ntest('after', () => { ${equal('1', '2')} })\n`,
    },
    hangs: { [file('hangs')]: `${head}test('hangs', () => { for (;;); })\n` },
    empty: { [file('empty')]: `${head}void add\nvoid test\n` },
  }
}

const expectEqual = (a: string, b: string): string => `expect(${a}).toBe(${b})`
const assertEqual = (a: string, b: string): string => `assert.equal(${a}, ${b})`

const forVitest = suites({
  api: "import { describe, expect, test } from 'vitest'",
  equal: expectEqual,
  skip: "test.skip('skipped', () => {})",
  todo: "test.todo('later')",
  folder: 'test',
  end: '.test.js',
})
const forJest = suites({
  api: '',
  equal: expectEqual,
  skip: "test.skip('skipped', () => {})",
  todo: "test.todo('later')",
  folder: 'test',
  end: '.test.js',
})
const forMocha = suites({
  api: "import assert from 'node:assert/strict'\nconst test = globalThis.it",
  equal: assertEqual,
  skip: "test.skip('skipped', () => {})",
  todo: "test('later')",
  folder: 'test',
  end: '.spec.js',
})
const forNode = suites({
  api: "import assert from 'node:assert/strict'\nimport { describe, test } from 'node:test'",
  equal: assertEqual,
  skip: "test('skipped', { skip: true }, () => {})",
  todo: "test('later', { todo: true }, () => {})",
  folder: 'test',
  end: '.test.js',
})

function named(file: (name: string) => string, separator: string, skipped: 'skip' | 'todo' = 'todo'): RunnerCase['statuses'] {
  const math = file('math')
  return {
    [`${math}::adds`]: 'pass',
    [`${math}::is wrong`]: 'fail',
    [`${math}::skipped`]: 'skip',
    [`${math}::later`]: skipped,
    [`${math}::twice`]: 'pass',
    [`${math}::twice #2`]: 'fail',
    [`${math}::group ünïcode${separator}inner`]: 'pass',
    [`${file('other')}::alone`]: 'pass',
  }
}

const diesAt = (made: ReturnType<typeof suites>): RunnerCase['dies'] => ({
  suite: made.dies,
  error: `${made.file('broken')}::(file)`,
  healthy: `${made.file('fine')}::still here`,
})

export const VITEST: RunnerCase = {
  name: 'vitest',
  runner: 'vitest',
  tool: 'node',
  modules: true,
  files: { 'package.json': manifest('vitest run --coverage', { devDependencies: { vitest: '*' } }), 'src/math.js': SOURCE },
  suite: forVitest.suite,
  statuses: named(forVitest.file, ' > '),
  selection: { files: [forVitest.file('other')], ids: [`${forVitest.file('other')}::alone`] },
  coverage: COVERAGE,
  dies: diesAt(forVitest),
  exits: forVitest.exits,
  hangs: forVitest.hangs,
  empty: forVitest.empty,
}

export const JEST: RunnerCase = {
  name: 'jest',
  runner: 'jest',
  tool: 'node',
  modules: true,
  files: {
    'package.json': manifest('NODE_OPTIONS=--experimental-vm-modules jest --verbose', { devDependencies: { jest: '*' } }),
    'jest.config.js': 'export default { transform: {} }\n',
    'src/math.js': SOURCE,
  },
  suite: forJest.suite,
  statuses: named(forJest.file, ' > '),
  selection: { files: [forJest.file('other')], ids: [`${forJest.file('other')}::alone`] },
  coverage: COVERAGE,
  dies: diesAt(forJest),
  exits: forJest.exits,
  hangs: forJest.hangs,
  empty: forJest.empty,
}

export const MOCHA: RunnerCase = {
  name: 'mocha',
  runner: 'mocha',
  tool: 'node',
  modules: true,
  files: {
    'package.json': manifest("c8 mocha 'test/**/*.spec.js' -R dot", { devDependencies: { mocha: '*' } }),
    'src/math.js': SOURCE,
  },
  suite: forMocha.suite,
  // mocha joins titles with a blank, and calls a test without a body pending, like a skipped one
  statuses: named(forMocha.file, ' ', 'skip'),
  selection: { files: [forMocha.file('other')], ids: [`${forMocha.file('other')}::alone`] },
  coverage: COVERAGE,
  dies: { suite: forMocha.dies },
  exits: forMocha.exits,
  hangs: forMocha.hangs,
  empty: forMocha.empty,
}

export const NODE_TEST: RunnerCase = {
  name: 'node-test',
  runner: 'node-test',
  tool: 'node',
  files: { 'package.json': manifest('node --test "test/*.test.js"'), 'src/math.js': SOURCE },
  suite: forNode.suite,
  statuses: named(forNode.file, ' > '),
  selection: { files: [forNode.file('other')], ids: [`${forNode.file('other')}::alone`] },
  coverage: COVERAGE,
  dies: diesAt(forNode),
  exits: forNode.exits,
  hangs: forNode.hangs,
  empty: forNode.empty,
}
