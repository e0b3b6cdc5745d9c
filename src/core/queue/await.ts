import type { Clock } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'
import type { Job, JobDetail, JobState } from './job.ts'

const FINAL: ReadonlySet<JobState> = new Set(['completed', 'dead', 'cancelled'])
/** Looked at again after this long at the latest, also where no bell is heard. */
const LONGEST_MS = 1000

export function hasEnded(job: Pick<Job, 'state'>): boolean {
  return FINAL.has(job.state)
}

type Seen = Pick<Job, 'id' | 'queue' | 'state' | 'token'>

/** Until one of these jobs has moved, `until` (wall-clock ms) is reached, a second has passed, or the signal aborts. */
export async function waitFor(
  engine: QueueEngine,
  clock: Clock,
  jobs: readonly Seen[],
  options: { signal?: AbortSignal; until: number | null },
): Promise<void> {
  const { signal } = options
  if (signal?.aborted) return
  let wake: () => void = () => undefined
  const woken = new Promise<void>((resolve) => (wake = resolve))
  const release = await engine.subscribe([...new Set(jobs.map(({ queue }) => queue))], wake)
  const limit = options.until === null ? LONGEST_MS : Math.min(LONGEST_MS, options.until - clock.now())
  // this timer may keep the process alive: somebody waits for it
  const timer = setTimeout(wake, Math.max(1, limit))
  signal?.addEventListener('abort', wake)
  try {
    for (const before of jobs) {
      const now = await engine.get(before.id)
      if (!now || now.state !== before.state || now.token !== before.token) return
    }
    await woken
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', wake)
    release()
  }
}

/**
 * Waits until every job has ended, or until the time-out; unknown ids are left out. A job that goes on is answered as it is.
 * @param timeoutMs null waits for ever
 */
export async function awaitEnded(
  engine: QueueEngine,
  clock: Clock,
  ids: readonly string[],
  options: { timeoutMs: number | null; signal?: AbortSignal },
): Promise<JobDetail[]> {
  const end = options.timeoutMs === null ? null : clock.monotonic() + options.timeoutMs
  // keeps the ear open from one look to the next
  const release = await engine.subscribe([], () => undefined)
  try {
    return await untilEnded(engine, clock, ids, { end, ...(options.signal && { signal: options.signal }) })
  } finally {
    release()
  }
}

async function untilEnded(
  engine: QueueEngine,
  clock: Clock,
  ids: readonly string[],
  options: { end: number | null; signal?: AbortSignal },
): Promise<JobDetail[]> {
  const { end, signal } = options
  for (;;) {
    const details = (await Promise.all(ids.map((id) => engine.get(id)))).filter((detail) => detail !== null)
    const open = details.filter((detail) => !hasEnded(detail))
    const left = end === null ? null : end - clock.monotonic()
    if (open.length === 0 || signal?.aborted || (left !== null && left <= 0)) return details
    await waitFor(engine, clock, open, { ...(signal && { signal }), until: left === null ? null : clock.now() + left })
  }
}

/** The same for all of them; deadlines that pass meanwhile are noticed here as well: there may be no worker. */
export async function awaitAnswers(
  engine: QueueEngine,
  clock: Clock,
  ids: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<JobDetail[]> {
  const end = clock.monotonic() + timeoutMs
  for (;;) {
    await engine.reap()
    const deadlines = (await Promise.all(ids.map((id) => engine.get(id)))).flatMap(
      (job) => (job?.state === 'available' && job.deadlineAt) || [],
    )
    const left = end - clock.monotonic()
    const first = Math.min(left, ...deadlines.map((at) => Math.max(50, at - clock.now())))
    const jobs = await awaitEnded(engine, clock, ids, { timeoutMs: first, signal })
    if (first === left || signal.aborted || jobs.every(hasEnded)) return jobs
  }
}
