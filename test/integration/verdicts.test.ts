import { readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Answer, type Playground, TINY, createPlayground } from '../cli/playground.ts'
import type { FileContent } from '../support/repository.ts'
import { toolchainModules } from '../support/toolchain.ts'

async function inPlayground(files: Record<string, FileContent>, body: (place: Playground) => Promise<void>): Promise<void> {
  const place = createPlayground(files)
  try {
    await body(place)
  } finally {
    place.cleanup()
  }
}

const HEAD = `import assert from 'node:assert/strict'\nimport { test } from 'node:test'\n`
// oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever the machine output holds
const candidatesOf = (answer: Answer): any[] => {
  expect(answer.json.data?.candidates, answer.stdout.slice(0, 3000) + answer.stderr.slice(0, 3000)).toBeDefined()
  return answer.json.data.candidates
}
const codes = (candidate: { reasons: { code: string }[] }): string[] => candidate.reasons.map(({ code }) => code)

describe('a suite that does not see the package it is to prove', () => {
  it('runs the code and asserts nothing: the plan is blind, nothing is kept, and the run says so', () =>
    inPlayground(
      {
        ...TINY,
        'test/list.test.js': `${HEAD}import { has, last } from '../src/list.js'\ntest('runs', () => void [has([1], 1), last([1])])\n`,
      },
      async (place) => {
        const before = place.frozen()
        const answer = await place.run(['improve', '--source', 'rules', '--yes'])
        const candidates = candidatesOf(answer)
        expect(candidates.length).toBeGreaterThan(0)
        for (const candidate of candidates) {
          expect({ verdict: candidate.verdict, landed: candidate.state === 'landed' }).toEqual({ verdict: 'cannot_decide', landed: false })
          expect(codes(candidate)).toContain('blind_plan')
        }
        expect(answer.json.data.baseline.control.noticed).toBe(0)
        expect(answer.json.data.blind_spots).toContainEqual(expect.objectContaining({ kind: 'blind_plan', file: 'src/list.js' }))
        expect({ exitCode: answer.exitCode, landed: answer.json.data.totals.landed }).toEqual({ exitCode: 0, landed: 0 })
        expect(place.frozen()).toEqual(before)
      },
    ))

  it('tests another package only: nothing is kept, and the functions nobody tests are named', () =>
    inPlayground(
      {
        ...TINY,
        'src/other.js': 'export const two = 2\n',
        'test/list.test.js': `${HEAD}import { two } from '../src/other.js'\ntest('two', () => assert.equal(two, 2))\n`,
      },
      async (place) => {
        const answer = await place.run(['improve', '--source', 'rules', '--yes'])
        const candidates = candidatesOf(answer)
        expect(candidates.length).toBeGreaterThan(0)
        for (const candidate of candidates) {
          expect(candidate.verdict).toBe('cannot_decide')
          expect(codes(candidate)).toContain('unexercised')
        }
        expect(answer.json.data.blind_spots.map(({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`).toSorted()).toEqual([
          'unexercised_function has',
          'unexercised_function last',
        ])
      },
    ))
})

const RULE = {
  pack: 'own',
  rules: [
    {
      id: 'own/modern',
      version: 1,
      languages: ['typescript'],
      title: 'Use modern() instead of legacy()',
      reason: 'legacy() goes away with the next major version.',
      reference: 'https://example.org/modern',
      literals: ['legacy('],
      rule: { kind: 'call_expression', pattern: 'legacy($A)' },
      fix: 'modern($A)',
      safety: 'safe',
      requires: {},
      value: 3,
      invalid: [{ before: 'x = legacy(a)', after: 'x = modern(a)' }],
      valid: ['x = modern(a)'],
    },
  ],
}

const TYPED = {
  'package.json':
    '{ "name": "typed", "type": "module", "scripts": { "test": "vitest run" }, "devDependencies": { "vitest": "4", "typescript": "7" } }\n',
  'tsconfig.json':
    '{ "compilerOptions": { "strict": true, "noEmit": true, "module": "nodenext", "target": "es2022", "types": [], "skipLibCheck": true }, "include": ["src"] }\n',
  '.gitignore': 'node_modules\n',
  '.singularity/rules/own.json': JSON.stringify(RULE),
  'src/say.ts':
    'export const legacy = (value: string | number): string => `${value}`\nexport const modern = (value: string): string => `${value}`\n',
  // the two numbers are type errors once modern() is called with them; at run time nothing differs
  'src/use.ts': `import { legacy, modern } from './say.js'\n\n${['a', 'b', 'c', 'd', 'e', 'f']
    .map(
      (name, index) =>
        `export function ${name}(value: ${index === 1 || index === 4 ? 'number' : 'string'}): string {\n  return legacy(value)\n}\n`,
    )
    .join('\n')}\nexport const other = modern('x')\n`,
  'test/use.test.ts': `import { expect, test } from 'vitest'\nimport * as use from '../src/use.js'\n${['a', 'b', 'c', 'd', 'e', 'f']
    .map((name) => `test('${name}', () => expect(use.${name}('1' as never)).toBe('1'))\n`)
    .join('')}`,
}

/** What the run told while it went on, from its log. */
function eventsOf(place: Playground): { type: string; phase?: string; detail?: string }[] {
  const folder = join(place.root, '.git', 'singularity', 'logs')
  const lines = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ message, msg }) => (message ?? msg) === 'progress')
    .map((line) => line.data ?? line)
}

describe('a candidate of many sites, some of which do not type-check', () => {
  it('drops those sites first: no test runs for them, the rest is kept', () =>
    inPlayground(TYPED, async (place) => {
      symlinkSync(toolchainModules(), join(place.root, 'node_modules'))
      const answer = await place.run(['improve', '--rule', 'own/modern', '--dry-run'], { env: { LOG_LEVEL: 'debug' } })
      const [part, ...rest] = candidatesOf(answer).filter(({ verdict, state }) => verdict === 'keep' || state !== 'abandoned')
      expect(rest).toEqual([])
      expect(part, answer.stdout.slice(0, 4000)).toMatchObject({ verdict: 'keep', sites: { found: 6, kept: 4, dropped: 2 } })
      expect(part.parent).not.toBeNull()
      const shown = await place.run(['show', part.id])
      const dropped = (shown.json.data.exercised_sites as { line: number; kept: boolean; reason: string | null }[]).filter(
        ({ kept }) => !kept,
      )
      expect(dropped.map(({ line, reason }) => [line, reason])).toEqual([
        [8, 'a type error'],
        [20, 'a type error'],
      ])
      const steps = eventsOf(place).filter(({ type, phase }) => type === 'tests' || phase === 'train' || phase === 'candidates')
      const words = steps.map(({ type, phase, detail }) => (type === 'tests' ? 'tests' : `${phase}: ${detail?.replace(/^c\w+: /, '')}`))
      const first = words.findIndex((word) => word.startsWith('train'))
      expect(words.slice(first, first + 5)).toEqual([
        'train: 1 candidate on one tip', // the type check alone refuses it
        'tests',
        'candidates: 4 sites: green',
        'train: 1 candidate on one tip',
        'tests',
      ])
    }))
})

describe('a candidate of many sites, one of which the linter refuses', () => {
  const NAMES = ['first', 'second', 'third', 'fourth']
  const FILES = {
    'package.json':
      '{ "name": "linted", "type": "module", "scripts": { "test": "node --test" }, "devDependencies": { "eslint": "9" }, "engines": { "node": ">=20" } }\n',
    '.gitignore': 'node_modules\n',
    'eslint.config.js': `export default [{ rules: { 'no-restricted-syntax': ['error', "FunctionDeclaration[id.name='third']:has(CallExpression[callee.property.name='includes'])"] } }]\n`,
    'src/lists.js': NAMES.map((name) => `export function ${name}(list, item) {\n  return list.indexOf(item) !== -1\n}\n`).join('\n'),
    'test/lists.test.js': `${HEAD}import * as lists from '../src/lists.js'\n${NAMES.map(
      (name) => `test('${name}', () => { assert.equal(lists.${name}([1], 1), true); assert.equal(lists.${name}([1], 2), false) })\n`,
    ).join('')}`,
  }

  it('drops the site beside the complaint at once, without a run of the tests', () =>
    inPlayground(FILES, async (place) => {
      symlinkSync(toolchainModules(), join(place.root, 'node_modules'))
      const answer = await place.run(['improve', '--rule', 'js/prefer-includes', '--dry-run'], { env: { LOG_LEVEL: 'debug' } })
      const [part] = candidatesOf(answer).filter(({ verdict }) => verdict === 'keep')
      expect(part, answer.stdout.slice(0, 4000)).toMatchObject({ sites: { found: 4, kept: 3, dropped: 1 } })
      const shown = await place.run(['show', part!.id])
      expect(shown.json.data.exercised_sites).toContainEqual(expect.objectContaining({ line: 10, kept: false, reason: 'eslint complains' }))
      const steps = eventsOf(place).filter(({ type, phase }) => type === 'tests' || phase === 'train' || phase === 'candidates')
      const words = steps.map(({ type, phase, detail }) => (type === 'tests' ? 'tests' : `${phase}: ${detail?.replace(/^c\w+: /, '')}`))
      expect(words.slice(words.findIndex((word) => word.startsWith('train')))).toEqual([
        'train: 1 candidate on one tip',
        'candidates: 3 sites: green',
        'train: 1 candidate on one tip',
        'tests',
      ])
    }))
})

describe('two candidates, one of which the linter refuses', () => {
  const FILES = {
    ...TINY,
    'package.json':
      '{ "name": "linted", "type": "module", "scripts": { "test": "node --test" }, "devDependencies": { "eslint": "9" }, "engines": { "node": ">=20" } }\n',
    '.gitignore': 'node_modules\n',
    'eslint.config.js': `export default [{ rules: { 'no-restricted-syntax': ['error', "CallExpression[callee.property.name='includes']"] } }]\n`,
    'src/square.js': 'export function square(value) {\n  return Math.pow(value, 2)\n}\n',
    'test/square.test.js': `${HEAD}import { square } from '../src/square.js'\ntest('square', () => assert.equal(square(3), 9))\n`,
  }

  it('it never boards the train, which rides once', () =>
    inPlayground(FILES, async (place) => {
      symlinkSync(toolchainModules(), join(place.root, 'node_modules'))
      const command = ['improve', '--rule', 'js/prefer-includes', '--rule', 'js/prefer-exponent', '--dry-run']
      const answer = await place.run(command, { env: { LOG_LEVEL: 'debug' } })
      const told = candidatesOf(answer).map(({ files, verdict, reasons }) => [files[0], verdict, reasons[0]?.detail ?? null])
      expect(told.toSorted(), answer.stdout.slice(0, 4000)).toEqual([
        ['src/list.js', 'roll_back', expect.stringContaining('eslint')],
        ['src/square.js', 'keep', null],
      ])
      const trains = eventsOf(place).filter(({ phase }) => phase === 'train')
      expect(trains.map(({ detail }) => detail)).toEqual(['1 candidate on one tip'])
    }))
})

describe('two candidates whose edits overlap', () => {
  const FILES = {
    ...TINY,
    'src/list.js': 'export function weight(list, item) {\n  return Math.pow(list.indexOf(item) !== -1 ? 2 : 1, 3)\n}\n',
    'test/list.test.js': `${HEAD}import { weight } from '../src/list.js'\ntest('in', () => assert.equal(weight([1], 1), 8))\ntest('out', () => assert.equal(weight([1], 2), 1))\n`,
  }

  it('the later one gets no verdict and is offered again once the first is decided', () =>
    inPlayground(FILES, async (place) => {
      const command = ['improve', '--rule', 'js/prefer-includes', '--rule', 'js/prefer-exponent']
      const first = await place.run(command)
      const candidates = candidatesOf(first)
      expect(candidates.map(({ verdict, state }) => [verdict, state])).toEqual([
        ['keep', 'awaiting_approval'],
        [null, 'abandoned'],
      ])
      expect(codes(candidates[1])).toEqual(['overlaps'])
      expect(candidates[1].evidence.tests.candidate).toEqual({})
      expect(first.json.data.totals).toMatchObject({ found: 2, kept: 1, not_run: 1, waiting: 1 })
      expect((await place.run(['approve', candidates[0].id])).json.data.state).toBe('landed')
      const again = candidatesOf(await place.run(command))
      expect(again.map(({ verdict, source }) => [verdict, source.id])).toEqual([['keep', candidates[1].source.id]])
    }))
})

it('a change that is in the branch already does not wait for ever', () =>
  inPlayground(TINY, async (place) => {
    const patch = ['improve', '--rule', 'js/prefer-includes']
    const { id } = candidatesOf(await place.run(patch))[0]
    place.commit('fix: by hand', { 'src/list.js': String(TINY['src/list.js']).replace('list.indexOf(item) !== -1', 'list.includes(item)') })
    const refused = await place.run(['approve', id])
    expect({ code: refused.json.error?.code, exitCode: refused.exitCode }).toEqual({ code: 'LANDING_REFUSED', exitCode: 1 })
    expect((await place.run(['inbox'])).json.data.total).toBe(0)
    expect((await place.run(['show', id])).json.data.candidate).toMatchObject({ state: 'abandoned', reasons: [{ code: 'unchanged' }] })
  }))
