import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { type Account, capsFor, createAccount, loadRouting, routeStateOf } from '../../../src/core/llm/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'

const packagedFile = join(import.meta.dirname, '../../../templates_data/llm/routing.json')
const processes = createProcessInfo()
let folder = ''
let account: Account
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-caps-'))
  account = createAccount({ path: join(folder, 'account.db'), clock: systemClock, processes })
})
afterEach(() => {
  account.close()
  rmSync(folder, { recursive: true, force: true })
})

const table = loadRouting({ packagedFile, userFile: '/nowhere/llm.json', repositoryFile: null, env: {} })
const capped = { ...table, budgets: { ...table.budgets, tasks: { coder: 0.5 }, models: { 'openai/x': 0.25 } } }
const needs = { taskType: 'coder', run: { id: 'r' }, request: { id: 'q', maxCostUsd: null } }

it('a call is bound by every cap there is; a run and a request may only lower theirs', () => {
  const amounts = (...args: Parameters<typeof capsFor>) =>
    Object.fromEntries(capsFor(...args).map(({ scope, capNusd }) => [scope, capNusd / 1e9]))
  expect(amounts(table, needs)).toEqual({ run: 1, day: 5, month: 50 })
  expect(amounts(capped, needs, 'openai/x')).toEqual({ run: 1, day: 5, month: 50, task: 0.5, model: 0.25 })
  const asked = { ...needs, run: { id: 'r', capNusd: 3e9 }, request: { id: 'q', maxCostUsd: 0.1 } }
  expect(amounts(table, asked)).toMatchObject({ run: 1, request: 0.1 })
  expect(amounts(table, { ...needs, run: { id: 'r', capNusd: 1e8 } })).toMatchObject({ run: 0.1 })
  const free = { budgets: { ...table.budgets, runUsd: Infinity, dayUsd: Infinity, monthUsd: Infinity } }
  expect(amounts(free, needs)).toEqual({})
})

it('routing sees keys, blocks, breakers and the least that is left', () => {
  const state = () => routeStateOf(capped, account, { has: (name) => name === 'A' }, needs, 0)
  expect(state()).toMatchObject({ leftNusd: 0.5e9 })
  expect(state().leftOfModel!('openai/x')).toBe(0.25e9)
  expect(state().leftOfModel!('openai/y')).toBe(Infinity)
  account.reserve({
    key: { repository: 'r', request: 'q', token: 1, attempt: 1 },
    boundNusd: 1e8,
    caps: capsFor(capped, needs, 'openai/x'),
    provider: 'openai',
    model: 'openai/x',
    taskType: 'coder',
    owner: processes.self,
  })
  expect(state().leftNusd).toBe(0.4e9)
  expect(state().leftOfModel!('openai/x')).toBe(0.15e9)
  account.block('openai', 'quota')
  for (let index = 0; index < 5; index++) account.report('groq', 'y', { ok: false, countable: true, costNusd: 0 })
  expect([state().blocked('openai'), state().blocked('groq')]).toEqual(['quota', null])
  expect([state().reopensAt('openai', 'x'), state().reopensAt('groq', 'y')]).toEqual([null, expect.any(Number)])
  expect([state().hasKey('A'), state().hasKey('B')]).toEqual([true, false])
})
