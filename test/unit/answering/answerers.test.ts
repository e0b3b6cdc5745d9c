import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadAnswerers, readQuestionRows, type RepositoryFacts } from '../../../src/core/answering/index.ts'
import { createRepository, type TestRepository } from '../../support/repository.ts'

const DATA = join(import.meta.dirname, '..', '..', '..', 'templates_data')
const { rows } = readQuestionRows(DATA)
const { answerers } = loadAnswerers(DATA)

const MIT = 'MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software\n'
const MANIFEST = {
  name: 'tiny-shop',
  version: '2.4.1',
  license: 'MIT',
  main: 'dist/index.js',
  bin: { shop: 'bin/shop.js' },
  engines: { node: '>=18.12' },
  scripts: { build: 'tsc -p .', lint: 'oxlint', test: 'node --test' },
  dependencies: { express: '^4.18.2' },
  devDependencies: { '@types/node': '20.1.0' },
}

/** The repository the examples of templates_data/answering/questions.json are about. */
const SHOP = {
  'package.json': `${JSON.stringify(MANIFEST, null, 2)}\n`,
  'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/express': { version: '4.19.2' } } }),
  LICENSE: MIT,
  'README.md': '# tiny shop\n',
  CODEOWNERS: '*            @shop/core\n/src/        @shop/checkout\ndocs/*       @shop/writers ada@example.org # prose\n',
  'docs/guide.md': '# guide\n',
  'docs/old/history.md': '# history\n',
  'test/index.ts': '',
  'src/index.ts': "export * from './cart.ts'\nconst total = 1\nconsole.log(total)\n",
  'src/cart.ts':
    "import { Money } from './utils/price.ts'\n\nexport function addToCart(price: Money) {\n  const total = price.cents\n  return total\n}\n",
  'src/utils/price.ts': 'export class Money {\n  cents = 0\n}\n',
  'bin/shop.js': "import '../dist/index.js'\n",
}

let shop: TestRepository
let facts: RepositoryFacts
beforeAll(async () => {
  shop = createRepository(SHOP)
  shop.git('tag', 'v2.4.0')
  shop.commit('docs: a second page', { 'docs/second.md': '# second\n', 'examples/index.txt': '' })
  facts = await factsOf(shop)
})
afterAll(() => {
  facts.git.close()
  shop.cleanup()
})

async function factsOf(repository: TestRepository): Promise<RepositoryFacts> {
  const git = await repository.open()
  const head = (await git.resolve('HEAD'))!
  const complexityOf = async (task: string) =>
    ({ architect: 'complex', classification: 'simple' })[task] as 'complex' | 'simple' | undefined
  return {
    git,
    reader: git.reader(head),
    head,
    root: repository.root,
    prefix: '',
    plan: async () => ({ test: null, build: null }),
    complexityOf,
  }
}

async function ask(question: string, over: RepositoryFacts = facts) {
  for (const answerer of answerers) {
    const slots = answerer.match(question)
    const fact = slots && (await answerer.answer(slots, over))
    if (fact) return { id: answerer.id, ...fact }
  }
  return undefined
}

test('there are at least twelve answerers, each with examples of both kinds', () => {
  expect(rows.length).toBeGreaterThanOrEqual(12)
  for (const { id, pass, decline } of rows) expect({ id, few: pass.length === 0 || decline.length < 2 }).toEqual({ id, few: false })
})

describe.each(rows)('$id', ({ id, pass, decline }) => {
  test.each(pass)('%s', async (question, value) => {
    const found = await ask(question)
    expect(found?.id).toBe(id)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) expect(found?.value).toMatchObject(value)
    else expect(found?.value).toEqual(value)
  })
  test.each(decline)('declines: %s', async (question) => {
    expect(await ask(question)).toBeUndefined()
  })
})

test('every pass example is taken by exactly one answerer', () => {
  for (const [question] of rows.flatMap(({ pass }) => pass))
    expect({ question, by: answerers.filter((each) => each.match(question) !== undefined).length }).toEqual({ question, by: 1 })
})

test('facts that contradict each other are not answered', async () => {
  const odd = createRepository({
    'package.json': JSON.stringify({ license: 'Apache-2.0', version: '1.0.0', dependencies: { redis: '1.0.0' } }),
    'Cargo.toml': '[package]\nname = "odd"\nversion = "2.0.0"\n[dependencies]\nredis = "0.2"\n',
    LICENSE: MIT,
    'yarn.lock': '',
    'package-lock.json': '{}',
    CODEOWNERS: '[Section]\n* @someone\n',
    'a.txt': '',
  })
  const over = await factsOf(odd)
  try {
    for (const question of [
      'What is the licence?',
      'What is the version?',
      'Which version of redis do we use?',
      'Which package manager do we use?',
      'Who owns a.txt?',
      'What is the build command?',
    ])
      expect({ question, answer: await ask(question, over) }).toEqual({ question, answer: undefined })
  } finally {
    over.git.close()
    odd.cleanup()
  }
})

test('without a script the one suite there is tells the command', async () => {
  const crate = createRepository({
    'Cargo.toml': '[package]\nname = "crate"\nversion = "1.0.0"\n',
    'src/lib.rs': '#[test]\nfn works() {}\n',
  })
  const over = await factsOf(crate)
  try {
    expect((await ask('How do I run the tests?', over))?.value).toBe('cargo test')
    expect((await ask('How do I build the project?', over))?.value).toBe('cargo build')
  } finally {
    over.git.close()
    crate.cleanup()
  }
})

test('the setting is the test command where it is set', async () => {
  expect((await ask('What is the test command?', { ...facts, plan: async () => ({ test: 'make check', build: null }) }))?.value).toBe(
    'make check',
  )
})

test('a question about several lines or of many words is never one about a fact', () => {
  for (const question of ['What is the licence?\nAnd the version?', `What is the licence? ${'Really. '.repeat(40)}`, ''])
    expect(answerers.filter((each) => each.match(question) !== undefined)).toEqual([])
})
