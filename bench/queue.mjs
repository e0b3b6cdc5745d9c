// The queue: throughput beside plainjob and pg-boss, wake-up and idle cost, many processes over one file, and the figures of the seeds.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundleCore, median, round, withFolder } from './common.mjs'
import { newJob, nextPayload, openEngine } from './queue-engines.mjs'
import { withPostgres } from './queue-postgres.mjs'
import { measureContention, measureIdle, measureWakeUp } from './queue-processes.mjs'
import { comparePgBoss, comparePlainjob } from './queue-throughput.mjs'

export const QUEUE_TARGETS = {
  batchedAgainstPlainjob: 4,
  wakeUpMs: 2,
  idlePercent: 0.2,
  requestsPerSecond: 500,
  messagesPerSecond: 100,
  pickUpMs: 100,
}
const LLM_QUEUE = 'llm_requests'

async function timed(times, body) {
  const started = performance.now()
  const value = await body()
  times.push(performance.now() - started)
  return value
}

/** A model that answers at once: what is left is what the queue does for a request, two attempt rows included. */
const handler = {
  kind: 'k',
  queue: LLM_QUEUE,
  async run(_job, { attempts }) {
    const attempt = { step: 'call', provider: 'none', model: 'none', phase: 'reserved', kind: null, reason: null, httpStatus: null }
    const rest = { usage: null, costNusd: 0, costSource: 'estimated', ms: 0, skipped: [], droppedParams: [] }
    const n = await attempts.open({ ...attempt, ...rest })
    await attempts.update(n, { phase: 'settled', httpStatus: 200, ms: 1 })
    return { to: 'completed', result: { response: 'ok' } }
  },
}

/** What the seeds promise, at the durability the engine comes with. */
async function measureSeeds(core, folder, { requests, singles }) {
  mkdirSync(folder)
  const { SHARED_COMMITS } = core.queue
  const engine = openEngine(core, folder)
  const together = openEngine(core, folder, 'per-operation', { settleBatch: SHARED_COMMITS }) // as the program opens it
  const silent = () => undefined
  const { systemClock } = core.kernel
  const worker = core.queue.createWorker({
    engine: together,
    handlers: [handler],
    clock: systemClock,
    log: { path: '', debug: silent, info: silent, warn: console.error, error: console.error },
    version: '0.0.0-bench',
    processes: core.process.createProcessInfo(),
    settings: { concurrency: 16, batch: { llm: 50, other: 100 }, retentionDays: 90 },
  })
  try {
    const request = () => newJob(core, { queue: LLM_QUEUE, paid: true })
    let started = performance.now()
    for (let added = 0; added < requests; added += 50) await engine.enqueue(Array.from({ length: 50 }, request))
    const { completed } = await worker.run({ mode: 'drain' })
    if (completed !== requests) throw new Error(`${completed} of ${requests} requests were completed.`)
    const requestsPerSecond = Math.round((requests / (performance.now() - started)) * 1000)

    started = performance.now()
    for (let turn = 0; turn < singles; turn++) {
      await engine.send({ queue: 'ai_requests', body: nextPayload() })
      const [message] = await engine.read('ai_requests', 1, 30_000)
      if ((await engine.ack('ai_requests', [message.id])) !== 1) throw new Error('A message could not be acknowledged.')
    }
    const messagesPerSecond = Math.round((singles / (performance.now() - started)) * 1000)

    const times = { insert: [], query: [], claim: [], update: [] }
    for (let turn = 0; turn < singles; turn++) {
      await timed(times.insert, () => engine.enqueue([request()]))
      await timed(times.query, () => engine.list({ queue: LLM_QUEUE, states: ['available'], agentId: 'cli', limit: 50 }))
      const [job] = await timed(times.claim, () =>
        engine.claim({ queues: [LLM_QUEUE], kinds: ['k'], limit: 1, workerId: 'bench', leaseMs: 30_000 }),
      )
      await timed(times.update, () => engine.settle([{ id: job.id, token: job.token, to: 'completed', result: '{"response":"ok"}' }]))
    }
    const ms = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, round(median(values))]))
    return { requests, requestsPerSecond, messagesPerSecond, ms: { ...ms, total: round(ms.insert + ms.query + ms.claim + ms.update) } }
  } finally {
    together.close()
    engine.close()
  }
}

/** What one run can be narrowed to. */
const SECTIONS = {
  plainjob: ({ core, folder, options }) => comparePlainjob(core, folder, options),
  wakeUp: ({ core, bundle, folder, quick }) =>
    measureWakeUp(core, bundle, folder, quick ? { rounds: 40, polls: 10 } : { rounds: 150, polls: 60 }),
  idle: ({ core, bundle, folder, quick }) => measureIdle(core, bundle, folder, { seconds: quick ? 4 : 10, minute: !quick }),
  contention: ({ core, bundle, folder, quick }) =>
    measureContention(core, bundle, folder, quick ? { jobs: 2000, singles: 50 } : { jobs: 10_000, singles: 1000 }),
  seeds: ({ core, folder, quick }) =>
    measureSeeds(core, join(folder, 'seeds'), quick ? { requests: 200, singles: 20 } : { requests: 1000, singles: 200 }),
  postgres: ({ core, folder, quick }) =>
    withPostgres((server) => comparePgBoss(core, folder, server, quick ? { rounds: 1, mostMs: 60 } : { rounds: 5, mostMs: 250 })),
}
export const QUEUE_SECTIONS = Object.keys(SECTIONS)

/** `only`: the sections to measure, all of them where it is empty; the others stay as they were in `before`. */
export const measureQueue = (core, { quick, only = [], before = {} }) =>
  withFolder(async (folder) => {
    const bundle = bundleCore('queue')
    const options = quick ? { rounds: 3, mostMs: 60 } : { rounds: 7, mostMs: 250 }
    try {
      const figures = { ...before, rounds: options.rounds, targets: QUEUE_TARGETS }
      for (const [name, measure] of Object.entries(SECTIONS))
        if (only.length === 0 || only.includes(name)) figures[name] = await measure({ core, bundle, folder, quick, options })
      return figures
    } finally {
      rmSync(bundle, { force: true })
    }
  })
