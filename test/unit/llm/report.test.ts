import { describe, expect, it } from 'vitest'
import { TELLING, reportOf, statisticsOf } from '../../../src/core/llm/index.ts'
import type { CallRecord } from '../../../src/core/queue/index.ts'

const DAY = Date.UTC(2026, 10, 20)
const NOTHING = { turns: [], candidates: [], edits: [] }

let ids = 0
const call = (more: Partial<CallRecord> = {}): CallRecord => ({
  id: `r${ids++}`,
  agentId: 'cli',
  taskType: 'coder',
  status: 'completed',
  n: 1,
  step: 'call',
  provider: 'p',
  model: 'p/a',
  phase: 'settled',
  kind: null,
  costNusd: 1000,
  ms: 100,
  startedAt: DAY,
  createdAt: DAY,
  finishedAt: DAY + 300,
  ...more,
})
const many = (n: number, more: Partial<CallRecord> = {}): CallRecord[] => Array.from({ length: n }, () => call(more))

describe('the report on models', () => {
  it('counts an answer for the model that gave it, and every call for the one that took the money', () => {
    const failed = { id: 'x', model: 'p/b', kind: 'provider_unavailable', costNusd: 0, ms: 900 }
    const reasked = { id: 'x', n: 2, kind: 'malformed_response', costNusd: 700 }
    const rows = [call(failed), call(reasked), call({ id: 'x', n: 3, step: 'reask', costNusd: 300, ms: 50 })]
    const { models } = reportOf(rows, NOTHING, 0)
    expect(models.find(({ model }) => model === 'p/a')).toMatchObject({
      n: 1,
      calls: 2,
      accepted: 1,
      pass_rate: 1,
      reasks: 1,
      cost_nusd: 1000,
      cost_per_accepted_nusd: 1000,
      p50_ms: 50,
    })
    expect(models.find(({ model }) => model === 'p/b')).toMatchObject({
      accepted: 0,
      pass_rate: 0,
      p50_ms: null,
      cost_per_accepted_nusd: null,
    })
  })

  it('a request that goes on says nothing about the pass rate; a released one was not answered', () => {
    const [row] = reportOf([call({ status: 'pending', kind: null, ms: 0, costNusd: 0 })], NOTHING, 0).models
    expect(row).toMatchObject({ n: 1, accepted: 0, pass_rate: null, p50_ms: null })
  })

  it('money is burnt where nothing of a run stayed, and only there', () => {
    const rows = [call({ id: 'good' }), call({ id: 'back' }), call({ id: 'undone' }), call({ id: 'open' }), call({ id: 'mixed' })]
    const turns = rows.map(({ id }) => ({ request: id, run: `run of ${id}` }))
    const made = (run: string, more: object) => ({ run: `run of ${run}`, landed: false, undone: false, rolledBack: false, ...more })
    const candidates = [
      made('good', { landed: true }),
      made('back', { rolledBack: true }),
      made('undone', { landed: true, undone: true }),
      made('open', {}),
      made('mixed', { rolledBack: true }),
      made('mixed', { landed: true }),
    ]
    const [row] = reportOf(rows, { turns, candidates, edits: [] }, 0).models
    expect(row).toMatchObject({ landed: 2, cost_per_landed_nusd: 2500, burnt_nusd: 2000 })
  })

  it('advises only on enough requests', () => {
    const cheap = { model: 'p/b', costNusd: 100 }
    expect(reportOf([...many(TELLING - 1), ...many(TELLING - 1, cheap)], NOTHING, 0).advice).toEqual([expect.stringContaining('too few')])
    expect(reportOf([...many(TELLING + 1), ...many(TELLING, cheap)], NOTHING, 0).advice).toEqual([
      expect.stringMatching(/^coder: p\/b answers 100 % at \$1e-7 each, p\/a 100 % at \$0\.000001\.$/),
    ])
    const poor = many(TELLING, { status: 'failed', kind: 'malformed_response' })
    expect(reportOf(poor, NOTHING, 0).advice).toEqual(['p/a answers 0 % of coder as asked: put another model first for it.'])
  })

  it('the split is of all answers, the waits are of requests', () => {
    const twice = [call({ id: 'x', kind: 'malformed_response' }), call({ id: 'x', n: 2 }), call({ finishedAt: DAY + 100, agentId: 'bot' })]
    const tiers = [
      { tier: 'rule', answers: 4 },
      { tier: 'exact', answers: 3 },
      { tier: 'semantic', answers: 2 },
      { tier: 'llm', answers: 1 },
    ] as const
    expect(statisticsOf(twice, tiers, DAY)).toMatchObject({
      since: '2026-11-20T00:00:00.000Z',
      llm_requests: 2,
      llm_cost_usd: 3e-6,
      cache_hit_rate: 0.5,
      avg_agent_latency_ms: 200,
      split: { rule: 0.4, cache: 0.5, llm: 0.1, answers: 10 },
    })
  })
})
