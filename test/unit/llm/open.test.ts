import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { type Llm, openLlm, parseRequests } from '../../../src/core/llm/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'

const packageRoot = join(import.meta.dirname, '../../..')
const processes = createProcessInfo()
let folder = ''
const opened: Llm[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-llm-'))
})
afterEach(() => {
  for (const llm of opened.splice(0)) llm.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(env: Record<string, string> = {}): Llm {
  const llm = openLlm({
    env,
    stateHome: join(folder, 'state'),
    configHome: join(folder, 'config'),
    packageRoot,
    repositoryFile: null,
    clock: systemClock,
    processes,
    platform: 'linux',
    askPassphrase: null,
  })
  opened.push(llm)
  return llm
}

it('whoever comes after a killed process sees what it left settled', () => {
  const key = { repository: 'r', request: 'q', token: 1, attempt: 1 }
  const account = open().account()
  const owner = { pid: 999_999, pidStart: '1', bootId: 'another' }
  account.reserve({ key, boundNusd: 70, caps: [], provider: 'openai', model: 'openai/x', taskType: 'coder', owner })
  account.calling(key)
  const [, day] = open().overview.budget().caps
  expect(day).toMatchObject({ scope: 'day', spent_nusd: 70, reserved_nusd: 0 })
})

it('reading routes and checking requests makes no ledger; a cap that was set counts in the table', () => {
  const llm = open()
  llm.overview.routes()
  llm.overview.models()
  expect(llm.requestContext().tasks).toMatchObject({ coder: 'medium' })
  expect(existsSync(llm.ledgerPath)).toBe(false)
  llm.overview.setBudget('month', 12)
  expect(open().routing.table().budgets.monthUsd).toBe(12)
  expect(open().overview.routes().budgets.origins).toMatchObject({ month_usd: 'llm budget' })
})

it('a secret of the environment is in no job', async () => {
  const { requestContext } = open({ MY_API_KEY: 'not-of-a-known-shape' })
  const [job] = await parseRequests(
    '{"task_type":"a","messages":[{"role":"user","content":"it is not-of-a-known-shape"}]}',
    requestContext(),
  )
  expect(job!.payload).toContain('it is [hidden]')
})

it('the example of docs/models.md works', () => {
  const [, example = ''] = /```jsonc\n([^]*?)```/.exec(readFileSync(join(packageRoot, 'docs/models.md'), 'utf8')) ?? []
  mkdirSync(join(folder, 'config'))
  writeFileSync(join(folder, 'config', 'llm.json'), example)
  const { overview, routing } = open({ MY_KEY: 'x' })
  expect(overview.routes().routes[0]!.models).toMatchObject([
    { model: 'mine/small', usable: true },
    { model: 'ollama/auto', usable: false },
  ])
  expect(routing.table().budgets).toMatchObject({ runUsd: 0.5, dayUsd: 5, tasks: { changelog: 0.2 } })
})
