// Operations per second of the queues, taken in turn: every round of every operation goes through all of them.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { median, round } from './common.mjs'
import { BATCH, openOurs, openPgBoss, openPlainjob } from './queue-engines.mjs'

/** In this order: the two that add leave what the two that drain take. */
const OPERATIONS = {
  'add 1': (queue) => queue.add(1).then(() => 1),
  'add 100': (queue) => queue.add(100).then(() => 100),
  'drain 1': (queue) => queue.drain(1),
  'claim 50, complete 50': (queue) => queue.drain(BATCH),
}
const BACKLOG = 3000

/** Jobs per second of one operation: for `mostMs`, but no more jobs than are there. */
async function rateOf(queue, operation, { mostMs, most }) {
  const started = performance.now()
  let jobs = 0
  let elapsed = 0
  while (jobs < most && elapsed < mostMs) {
    const done = await operation(queue)
    if (done === 0) throw new Error('The queue is empty: there was nothing to measure.')
    jobs += done
    elapsed = performance.now() - started
  }
  return (jobs / elapsed) * 1000
}

/** One table: the medians of `rounds`, for each queue and operation. SQLite starts every round with a new file. */
export async function compare(folder, queues, { rounds, mostMs }) {
  const rates = Object.fromEntries(Object.keys(queues).map((name) => [name, {}]))
  for (let turn = 0; turn <= rounds; turn++) {
    const opened = {}
    for (const [name, open] of Object.entries(queues)) {
      const place = join(folder, `${name}-${turn}`)
      mkdirSync(place)
      opened[name] = await open(place)
    }
    // who comes first changes from round to round
    const names = turn % 2 === 0 ? Object.keys(queues) : Object.keys(queues).toReversed()
    for (const [operation, body] of Object.entries(OPERATIONS)) {
      if (operation === 'drain 1') for (const name of names) for (let jobs = 0; jobs < BACKLOG; jobs += 100) await opened[name].add(100)
      for (const name of names) {
        const rate = await rateOf(opened[name], body, {
          mostMs,
          most: operation === 'drain 1' ? 500 : 2500,
        })
        if (turn > 0) (rates[name][operation] ??= []).push(rate) // the first turn warms everything
      }
    }
    for (const name of names) await opened[name].close()
  }
  const table = {}
  for (const [name, operations] of Object.entries(rates))
    table[name] = Object.fromEntries(Object.entries(operations).map(([operation, values]) => [operation, Math.round(median(values))]))
  // of the rounds, not of the medians: both queues of a round have met the same disk
  const ratios = Object.fromEntries(
    Object.keys(OPERATIONS).map((operation) => {
      const [ours, other] = Object.values(rates).map((values) => values[operation])
      return [operation, round(median(ours.map((value, index) => value / other[index])))]
    }),
  )
  return { perSecond: table, ratios }
}

/** Our engine beside plainjob: as fast as either goes, each commit forced to disk, and as the engine comes. */
export async function comparePlainjob(core, folder, options) {
  const place = (name) => {
    const path = join(folder, name)
    mkdirSync(path)
    return path
  }
  const against = (name, durability, synchronous) =>
    compare(place(name), { ours: (at) => openOurs(core, at, durability), plainjob: async (at) => openPlainjob(at, synchronous) }, options)
  return {
    normal: await against('normal', 'normal', 'NORMAL'),
    full: await against('full', 'full', 'FULL'),
    perOperation: await against('own', 'per-operation', 'FULL'),
  }
}

/** Our engine beside pg-boss: as a server forces commits to disk by itself, and without waiting for the disk on either side. */
export async function comparePgBoss(core, folder, server, options) {
  const against = async (name, durability, settings) => {
    const path = join(folder, name)
    mkdirSync(path)
    return compare(path, { ours: (at) => openOurs(core, at, durability), pgBoss: () => openPgBoss(server, settings) }, options)
  }
  return {
    full: await against('postgres-full', 'full', '-c synchronous_commit=on'),
    normal: await against('postgres-off', 'normal', '-c synchronous_commit=off'),
  }
}
