import { afterEach, beforeEach, expect, test } from 'vitest'
import { setColor } from '../../src/commands/_cli/paint.ts'
import { presentCheck } from '../../src/commands/_present/llm-check.ts'
import { presentReport } from '../../src/commands/_present/llm-report.ts'
import { reportOf } from '../../src/core/llm/index.ts'

beforeEach(() => setColor('never'))
afterEach(() => setColor('auto'))

const base = { agentId: 'cli', n: 1, step: 'call', provider: 'openai', phase: 'settled', kind: null, startedAt: 0, createdAt: 0 } as const
const row = {
  ...base,
  id: 'a',
  model: 'openai/gpt-6-luna',
  taskType: 'coder',
  status: 'completed',
  finishedAt: 9,
  costNusd: 2e7,
  ms: 900,
} as const

test('the report shows columns somebody has something in', () => {
  const [head, line] = presentReport(reportOf([row], { turns: [], candidates: [], edits: [] }, 0)).split('\n')
  expect(head!.trim().split(/ {2,}/)).toEqual(['model', 'task', 'asked', 'as asked', 'p50', 'p95', 'cost', 'per answer'])
  expect(line!.trim().split(/ {2,}/)).toEqual(['openai/gpt-6-luna', 'coder', '1', '100 %', '900 ms', '900 ms', '$0.02', '$0.02'])
  const burnt = {
    turns: [{ request: 'a', run: 'r' }],
    candidates: [{ run: 'r', landed: false, undone: false, rolledBack: true }],
    edits: [],
  }
  expect(presentReport(reportOf([row], burnt, 0))).toMatch(/burnt\n.*\$0\.02 +\$0\.02 +\$0\.02\n/)
})

test('what providers say reaches no terminal as it is', () => {
  const nothing = { window: null, request_id: null, http_status: 500, latency_ms: 3, cost_nusd: 0, unblocked: false }
  const failed = {
    provider: 'openai',
    model: 'openai/x',
    state: 'failed',
    reason: 'down \u001B[2J\nreally',
    steps: [],
    fix: ['wait'],
  } as const
  const text = presentCheck({ providers: [{ ...nothing, ...failed, steps: [], fix: ['wait'] }], complexities: [], spent_nusd: 0 })
  expect(text).not.toContain('\u001B')
  expect(text).toMatch(/openai {2}failed {2}openai\/x, 3 ms\n {2}down .*really\n {2}wait\n/)
})
