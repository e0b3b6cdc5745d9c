import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type MockModels, startMockModels } from '../support/models.ts'
import { requestLine } from '../support/queue-runs.ts'
import { type Playground, createPlayground } from './playground.ts'

let place: Playground
let mock: MockModels
beforeEach(async () => {
  place = createPlayground()
  mock = await startMockModels({ fallback: { text: 'because' } })
  Object.assign(place.env, { OPENAI_API_KEY: 'sk-mock-0123456789abcdef', OPENAI_BASE_URL: mock.baseUrl('responses') })
})
afterEach(async () => {
  await mock.close()
  place.cleanup()
})

it('of changes made by a model: what a landed one costs, and what an undone one burnt', async () => {
  const call = (name: string, params: object) => ({ toolCalls: [{ name, arguments: params as Record<string, unknown> }] })
  mock.script(
    call('read', { path: 'src/list.js', range: null }),
    call('edit', { path: 'src/list.js', old: 'nowhere to be found', new: 'x' }),
    call('edit', { path: 'src/list.js', old: 'list.indexOf(item) !== -1', new: 'list.includes(item)' }),
    call('done', { summary: 'Uses includes.' }),
  )
  const made = await place.run(['improve', '--goal', 'Use includes', '--model', 'openai/gpt-6-luna'])
  const [candidate] = made.json.data?.candidates ?? []
  expect(candidate, made.stdout + made.stderr).toMatchObject({ verdict: 'keep', state: 'awaiting_approval' })
  expect((await place.run(['approve', candidate.id, '--yes'])).exitCode).toBe(0)
  const landed = await place.run(['llm', 'report'])
  expect(landed.exitCode).toBe(0)
  expect(landed.json.data.models, landed.stdout).toEqual([
    expect.objectContaining({ model: 'openai/gpt-6-luna', n: 4, calls: 4, accepted: 4, pass_rate: 1, landed: 1, burnt_nusd: 0 }),
  ])
  const [row] = landed.json.data.models
  expect(row.cost_nusd).toBeGreaterThan(0)
  expect(row.cost_per_landed_nusd).toBe(row.cost_nusd)
  expect(row.cost_per_accepted_nusd).toBe(Math.round(row.cost_nusd / 4))
  expect(landed.json.data.edits).toEqual([{ model: 'openai/gpt-6-luna', tool: 'edit', calls: 2, applied: 1, edit_apply_rate: 0.5 }])
  expect(landed.json.data.advice[0]).toContain('too few')

  await place.run(['undo', candidate.id, '--yes'])
  const [undone] = (await place.run(['llm', 'report'])).json.data.models
  expect(undone).toMatchObject({ landed: 0, cost_per_landed_nusd: null, burnt_nusd: row.cost_nusd })
  expect((await place.run(['llm', 'report', '--since', '2099-01-01'])).json.data.models).toEqual([])
})

it('requests, cost, waits and the split by tier are measured, not hoped for', async () => {
  expect((await place.run(['llm', 'stats'])).json.data).toMatchObject({ llm_requests: 0, cache_hit_rate: null, avg_agent_latency_ms: null })
  await place.run(['ask', 'What is the test command?'])
  await place.run(['ask', 'Explain monads'])
  await place.run(['ask', 'Explain monads'])
  const { json, exitCode } = await place.run(['llm', 'stats'])
  expect(exitCode).toBe(0)
  expect(json.data).toMatchObject({
    llm_requests: 1,
    cache_hit_rate: 1 / 3,
    avg_agent_latency_ms: expect.any(Number),
    split: { rule: 1 / 3, cache: 1 / 3, llm: 1 / 3, answers: 3 },
    agents: [{ agent_id: 'cli', requests: 1 }],
  })
  expect(json.data.llm_cost_usd).toBeGreaterThan(0)
  expect(mock.requests).toHaveLength(1)
  expect((await place.run(['status'])).json.data.services).toMatchObject({ queue: 'up', llm: 'up' })
})

it('a request keeps the steps it went through, and a failed one its typed error', async () => {
  const asked = (id: string, more: object = {}) =>
    place.run(['queue', 'enqueue', '-'], { input: requestLine('Is 7 prime?', { id, ...more }) })
  const [good, bad] = ['0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e10', '0197d3a0-5b7e-7c44-9f1e-2b8d6a4c9e11']
  await asked(good)
  await place.run(['queue', 'work', '--drain'])
  const shown = (await place.run(['queue', 'show', good])).json.data
  expect(shown.steps.map(({ step }: { step: string }) => step)).toEqual(['validate', 'route', 'publish', 'track_metrics'])
  expect(shown.error).toBeNull()
  mock.script({ failure: { kind: 'http', status: 401, type: 'invalid_request_error', code: 'invalid_api_key' } })
  await asked(bad)
  await place.run(['queue', 'work', '--drain'])
  const failed = (await place.run(['queue', 'show', bad])).json.data
  expect(failed.error, JSON.stringify(failed)).toMatchObject({
    kind: 'provider_unavailable',
    reason: 'auth',
    provider: 'openai',
    model: expect.stringMatching(/^openai\//),
    complexity: expect.any(String),
    task_type: expect.any(String),
  })
  expect(failed.steps.map(({ step }: { step: string }) => step)).toContain('route')
  expect((await place.run(['status'])).json.data.services.llm).toBe('down')
})

it('ask --dry-run says what it would cost, and learns from what was asked', async () => {
  const question = ['ask', 'Explain monads', '--file', 'src/list.js', '--complexity', 'simple']
  const first = await place.run([...question, '--dry-run'])
  expect(first.exitCode, first.stdout).toBe(0)
  const { estimate_nusd: cost, route } = first.json.data
  expect(route[0]).toEqual({ model: 'openai/gpt-6-luna', provider: 'openai' })
  expect(cost.low).toBeLessThan(cost.likely)
  expect(cost.likely).toBeLessThan(cost.high)
  expect(mock.requests).toHaveLength(0)
  // a model that makes a token of every two bytes is dearer than was thought
  writeFileSync(join(place.root, 'long.txt'), 'words '.repeat(2000))
  mock.script({ text: 'long', usage: { input: 6000, output: 10 } })
  await place.run(['ask', 'Sum it up', '--file', 'long.txt', '--complexity', 'simple'])
  const second = await place.run([...question, '--dry-run'])
  expect(second.json.data.estimate_nusd.likely).toBeGreaterThan(cost.likely)
  expect(second.json.data.estimate_nusd.high).toBe(cost.high)
  expect((await place.run(['queue', 'list'])).json.data.requests).toHaveLength(1)
})
