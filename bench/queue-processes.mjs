// What needs several processes: how soon a job is claimed elsewhere, what waiting costs, and what happens when many want the same.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeRepository, program, root, round } from './common.mjs'
import { BATCH, newJob, openEngine } from './queue-engines.mjs'

const child = join(root, 'bench', 'queue-child.mjs')

function makeFolder(...parts) {
  const path = join(...parts)
  mkdirSync(path, { recursive: true })
  return path
}

/** A process that is ready; it ends with this one. */
async function start(role, bundle, folder, limit = BATCH) {
  const started = fork(child, [role, bundle, folder, String(limit)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [first] = await Promise.race([once(started, 'message'), once(started, 'exit')])
  if (first !== 'ready') throw new Error(`A process of the measure ended with ${first} before it was ready.`)
  return started
}

async function end(started) {
  const gone = once(started, 'exit')
  started.kill('SIGKILL')
  await gone
}

function percentilesOf(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share) => round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)])
  return { rounds: sorted.length, p50: at(0.5), p99: at(0.99) }
}

/** From the commit here to the claim there, ms; with the whole of adding the job in it too. */
async function measureWaiter(core, bundle, folder, { role, rounds, pauseMs, more }) {
  const engine = openEngine(core, folder)
  const waiter = await start(role, bundle, folder)
  const now = () => Number(process.hrtime.bigint()) / 1e6
  const [fromCommit, fromAdd] = [[], []]
  try {
    for (let turn = 0; turn < rounds; turn++) {
      await delay(Math.random() * pauseMs) // whatever the waiter does regularly, we do not
      const job = newJob(core, more)
      const taken = once(waiter, 'message')
      const added = now()
      await engine.enqueue([job])
      const committed = now()
      const [{ id, at }] = await taken
      if (id !== job.id) throw new Error(`Waited for ${job.id}, got ${id}.`)
      fromCommit.push(at - committed)
      fromAdd.push(at - added)
    }
    return { ...percentilesOf(fromCommit), withAdd: percentilesOf(fromAdd) }
  } finally {
    await end(waiter)
    engine.close()
  }
}

export async function measureWakeUp(core, bundle, folder, { rounds, polls }) {
  const of = (name, options) => measureWaiter(core, bundle, makeFolder(folder, `wake-${name}`), options)
  return {
    bell: await of('bell', { role: 'listen', rounds, pauseMs: 10 }),
    /** The claim of what somebody pays for waits for the disk. */
    paid: await of('paid', { role: 'listen', rounds, pauseMs: 10, more: { paid: true } }),
    poll: await of('poll', { role: 'poll', rounds: polls, pauseMs: 100 }),
  }
}

/** CPU time of all threads of a process so far, ms. */
function cpuMsOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6, 0)
}

/** V8 looks at what start-up has left twice, eight and seventeen seconds later, for a hundredth of a second each; then it is quiet. */
const SETTLE_SECONDS = 20

/**
 * Share of one core in percent, of a worker that waits and of a process that asks every 100 ms, over the same seconds after both have
 * settled. `minute`: also of the whole first minute of waiting, with what start-up leaves to do, and of the seconds after it.
 */
export async function measureIdle(core, bundle, folder, { seconds, minute }) {
  const repository = makeRepository(folder, join(root, 'examples', 'shop'), 'idle')
  const worker = spawn(process.execPath, [program, 'queue', 'work'], {
    cwd: repository.path,
    env: repository.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const place = makeFolder(folder, 'idle-poll')
  const poller = await start('poll', bundle, place)
  const look = () => ({ at: performance.now(), worker: cpuMsOf(worker.pid), poll: cpuMsOf(poller.pid) })
  const percent = (who, from, to) => round(((to[who] - from[who]) / (to.at - from.at)) * 100, 3)
  try {
    const said = (stream) =>
      new Promise((resolve) => stream.on('data', (text) => String(text).includes('waiting for work') && resolve('waiting')))
    const first = await Promise.race([said(worker.stdout), said(worker.stderr), once(worker, 'exit')])
    if (first !== 'waiting') throw new Error(`queue work ended with ${first}`)
    const waits = look()
    await delay(SETTLE_SECONDS * 1000)
    const before = look()
    await delay(seconds * 1000)
    const after = look()
    const figures = {
      settleSeconds: SETTLE_SECONDS,
      seconds,
      workerPercent: percent('worker', before, after),
      pollPercent: percent('poll', before, after),
    }
    if (!minute) return figures
    await delay(60_000 - (after.at - waits.at))
    const passed = look()
    await delay(seconds * 1000)
    return { ...figures, firstMinutePercent: percent('worker', waits, passed), afterMinutePercent: percent('worker', passed, look()) }
  } finally {
    await end(poller)
    if (worker.exitCode === null) await end(worker)
  }
}

/** Jobs per second and the longest single call with more and more processes over one file, and whether each job ran once. */
export async function measureContention(core, bundle, folder, { jobs, singles }) {
  const results = []
  for (const limit of [BATCH, 1])
    for (const processes of [1, 2, 4, 8]) {
      const place = makeFolder(folder, `contention-${limit}-${processes}`)
      const filler = openEngine(core, place, 'normal')
      const all = limit === 1 ? singles : jobs
      for (let left = all; left > 0; left -= 100) await filler.enqueue(Array.from({ length: Math.min(100, left) }, () => newJob(core)))
      const started = await Promise.all(Array.from({ length: processes }, () => start('contend', bundle, place, limit)))
      const answers = started.map((each) => once(each, 'message'))
      for (const each of started) each.send('go')
      const reports = (await Promise.all(answers)).map(([report]) => report)
      await Promise.all(started.map(end))
      const violations = await filler.verify()
      filler.close()
      const ids = reports.flatMap((report) => report.ids)
      const elapsed = Math.max(...reports.map((report) => report.ended)) - Math.min(...reports.map((report) => report.started))
      results.push({
        limit,
        processes,
        jobs: ids.length,
        perSecond: Math.round((ids.length / elapsed) * 1000),
        worstMs: round(Math.max(...reports.map(({ worst }) => worst)), 1),
        fewest: Math.min(...reports.map((report) => report.ids.length)),
        twice: ids.length - new Set(ids).size + reports.reduce((sum, { fenced, again }) => sum + fenced + again, 0),
        lost: all - new Set(ids).size,
        violations: violations.length,
      })
    }
  return results
}
