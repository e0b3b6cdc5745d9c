// The rows of docs/benchmarks.md about the queue.
const yes = (met) => (met ? 'yes' : 'no')
const count = (value) => value.toLocaleString('en-US')

const DURABILITY = {
  normal: 'a power cut may take the last commits of both',
  full: 'every commit of both waits for the disk',
  perOperation: 'as the engine comes (claims of unpaid work do not wait for the disk); plainjob waits at every commit',
}
const NAMES = { normal: 'NORMAL', full: 'FULL', perOperation: 'per operation' }

function plainjobRows({ plainjob, targets, rounds }) {
  return Object.entries(plainjob).flatMap(([name, { perSecond, ratios }]) =>
    Object.entries(ratios).map(([operation, ratio]) => {
      const batched = operation.startsWith('claim')
      const aimed = batched && name === 'normal'
      return {
        what: `queue, ${NAMES[name]}: ${operation}`,
        figure: `${ratio} x plainjob`,
        target: aimed ? `>= ${targets.batchedAgainstPlainjob}` : '',
        met: aimed ? yes(ratio >= targets.batchedAgainstPlainjob) : '',
        'how measured': `${count(perSecond.ours[operation])} jobs/s, plainjob ${count(perSecond.plainjob[operation])}${batched ? ' one by one, it has no batches' : ''}; median of ${rounds} rounds in turn; ${DURABILITY[name]}`,
      }
    }),
  )
}

function postgresRows({ postgres }) {
  if (!postgres) return [{ what: 'queue beside pg-boss', figure: 'not measured', 'how measured': 'there is no PostgreSQL on this machine' }]
  const how = {
    full: 'synchronous_commit=on, and FULL here: both wait for the disk',
    normal: 'synchronous_commit=off, and NORMAL here: neither waits',
  }
  return Object.entries(how).flatMap(([name, durability]) =>
    Object.entries(postgres[name].ratios).map(([operation, ratio]) => ({
      what: `queue, ${NAMES[name]}: ${operation}`,
      figure: `${ratio} x pg-boss`,
      'how measured': `${count(postgres[name].perSecond.ours[operation])} jobs/s, pg-boss ${count(postgres[name].perSecond.pgBoss[operation])}, one call at a time over a socket of PostgreSQL ${postgres.version}; ${durability}`,
    })),
  )
}

function waitingRows({ wakeUp: { bell, paid, poll }, idle, targets }) {
  return [
    {
      what: 'queue: committed here, claimed there',
      figure: `p50 ${bell.p50} ms, p99 ${bell.p99} ms`,
      target: `p50 < ${targets.wakeUpMs} ms`,
      met: yes(bell.p50 < targets.wakeUpMs),
      'how measured': `two processes, ${bell.rounds} rounds; a poll every 100 ms: p50 ${poll.p50} ms, p99 ${poll.p99} ms (${poll.rounds} rounds); with adding in it p50 ${bell.withAdd.p50} ms`,
    },
    {
      what: 'the same where the claim is paid for',
      figure: `p50 ${paid.p50} ms, p99 ${paid.p99} ms`,
      'how measured': 'the claim waits for the disk before anything may cost money',
    },
    {
      what: '`queue work` with nothing to do',
      figure: `${idle.workerPercent} % CPU`,
      target: `< ${targets.idlePercent} %`,
      met: yes(idle.workerPercent < targets.idlePercent),
      'how measured': `all threads, over ${idle.seconds} s${idle.settleSeconds ? ` after ${idle.settleSeconds} s of silence` : ''}${idle.firstMinutePercent === undefined ? '' : `; the whole first minute, with what V8 collects after start-up: ${idle.firstMinutePercent} %, after it: ${idle.afterMinutePercent} %`}; a bare process that asks every 100 ms: ${idle.pollPercent} %`,
    },
  ]
}

function contentionRows({ contention }) {
  return [...new Set(contention.map(({ limit }) => limit))].map((limit) => {
    const rows = contention.filter((row) => row.limit === limit)
    const clean = rows.every(({ twice, lost, violations }) => twice + lost + violations === 0)
    return {
      what: `queue, ${rows.map(({ processes }) => processes).join('/')} processes: claim ${limit}, complete ${limit}`,
      figure: `${rows.map(({ perSecond }) => count(perSecond)).join(' / ')} jobs/s`,
      target: 'each job once',
      met: yes(clean),
      'how measured': `worst single call ${rows.map(({ worstMs }) => Math.round(worstMs)).join(' / ')} ms; ${rows[0].jobs} jobs each, durability per operation`,
    }
  })
}

function seedRows({ seeds: { ms, ...seeds }, wakeUp, targets }) {
  return [
    {
      what: 'requests to models through a worker',
      figure: `${count(seeds.requestsPerSecond)} per s`,
      target: `${targets.requestsPerSecond} per s`,
      met: yes(seeds.requestsPerSecond >= targets.requestsPerSecond),
      'how measured': `${seeds.requests} paid ones with their attempt rows, 16 at once, added by 50, a model that answers at once; every step waits for the disk`,
    },
    {
      what: 'messages: send, read, acknowledge',
      figure: `${count(seeds.messagesPerSecond)} per s`,
      target: `${targets.messagesPerSecond} per s`,
      met: yes(seeds.messagesPerSecond >= targets.messagesPerSecond),
      'how measured': 'one at a time, each of the three waits for the disk',
    },
    {
      what: 'a request: insert / query / claim / update',
      figure: `${ms.insert} / ${ms.query} / ${ms.claim} / ${ms.update} ms`,
      target: 'insert and update 5-10 ms, query 1-2 ms, all 20-30 ms',
      met: yes(ms.insert <= 10 && ms.update <= 10 && ms.query <= 2 && ms.total <= 30),
      'how measured': `medians; ${ms.total} ms together`,
    },
    {
      what: 'a request: picked up after its commit',
      figure: `${wakeUp.paid.p50} ms`,
      target: `about ${targets.pickUpMs} ms`,
      met: yes(wakeUp.paid.p50 <= targets.pickUpMs),
      'how measured': 'p50, in another process',
    },
  ]
}

export const queueRows = (part) => [
  ...plainjobRows(part),
  ...postgresRows(part),
  ...waitingRows(part),
  ...contentionRows(part),
  ...seedRows(part),
]
