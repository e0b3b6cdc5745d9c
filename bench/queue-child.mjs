// One process of the measures that need several: `node bench/queue-child.mjs ROLE BUNDLE FOLDER [LIMIT]`, ordered about over IPC.
// Times are those of the monotonic clock, which all processes of a machine share.
import { pathToFileURL } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { BATCH, QUEUE, RESULT, openEngine } from './queue-engines.mjs'

const [role, bundle, folder, limit = String(BATCH)] = process.argv.slice(2)
const core = await import(pathToFileURL(bundle).href)
const engine = openEngine(core, folder)
const workerId = `worker-${process.pid}`
const claim = (most) => engine.claim({ queues: [QUEUE], kinds: ['k'], limit: most, workerId, leaseMs: 30_000 })
const complete = (jobs) => engine.settle(jobs.map(({ id, token }) => ({ id, token, to: 'completed', result: RESULT })))
const now = () => Number(process.hrtime.bigint()) / 1e6

/** Takes what is there and tells when it had it. */
async function takeAll() {
  for (;;) {
    const jobs = await claim(BATCH)
    const at = now()
    if (jobs.length === 0) return
    await complete(jobs)
    for (const { id } of jobs) process.send({ id, at })
  }
}

/** As a worker waits: by the bell, one look after the other. */
async function listen() {
  let again = false
  let busy
  const look = async () => {
    do {
      again = false
      await takeAll()
    } while (again)
  }
  const onWake = () => {
    again = true
    busy ??= look().finally(() => {
      busy = undefined
      if (again) onWake()
    })
  }
  await engine.subscribe([QUEUE], onWake)
  await delay(100) // the self-test of the bell
}

async function poll(everyMs) {
  for (;;) {
    await takeAll()
    await delay(everyMs)
  }
}

/** Claims and completes until nothing is left; every call is timed. */
async function contend() {
  const started = now()
  const ids = []
  let worst = 0
  let fenced = 0
  let again = 0
  for (;;) {
    const before = now()
    const jobs = await claim(Number(limit))
    const claimed = now()
    if (jobs.length === 0) break
    const ends = await complete(jobs)
    worst = Math.max(worst, claimed - before, now() - claimed)
    fenced += ends.filter((end) => end !== 'applied').length
    again += jobs.filter(({ attempt }) => attempt > 1).length
    for (const { id } of jobs) ids.push(id)
  }
  process.send({ started, ended: now(), ids, worst, fenced, again })
}

process.on('disconnect', () => process.exit(0))
process.on('message', (order) => {
  if (order === 'go') void contend()
})
if (role === 'listen') await listen()
process.send('ready')
if (role === 'poll') await poll(100)
