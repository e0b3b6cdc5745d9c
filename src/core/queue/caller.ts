import { type Clock, newUuid } from '../kernel/index.ts'
import type { ProcessInfo } from '../process/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { hasEnded, waitFor } from './await.ts'
import type { QueueEngine } from './engine.ts'
import { LEASE_MS, createExecutor } from './execute.ts'
import type { JobHandler } from './handler.ts'
import type { EnqueueResult, JobDetail, NewJob } from './job.ts'
import { watchForSleep } from './sleep.ts'

export type CallerDeps = {
  engine: QueueEngine
  handlers: readonly JobHandler[]
  clock: Clock
  log: Logger
  version: string
  processes: ProcessInfo
  leaseMs?: number
}

export type CallerOptions = { signal?: AbortSignal; onProgress?: (text: string) => void }

/** Somebody who waits for a request and works on it himself: no worker has to run, and none is started. */
export type Caller = {
  /**
   * Inserts the row already claimed by this process and runs it until it has ended, through waits and retries. A row that exists
   * is followed to its end, and worked on whenever nobody else does. When `signal` aborts, the job is put back, or cancelled where
   * it lives with its owner, and the row is answered as it is then.
   */
  runOwn(job: NewJob, options?: CallerOptions): Promise<{ result: EnqueueResult; detail: JobDetail }>
  close(): Promise<void>
}

export function createCaller(deps: CallerDeps): Caller {
  const { engine, clock } = deps
  const leaseMs = deps.leaseMs ?? LEASE_MS
  const workerId = newUuid(clock)
  const claim = { workerId, leaseMs }
  const handlers = new Map(deps.handlers.map((handler) => [handler.kind, handler]))
  const executor = createExecutor({ engine, handlers, clock, log: deps.log, workerId, leaseMs })
  let registered: Promise<void> | undefined

  function register(): Promise<void> {
    const queues = [...new Set(deps.handlers.map(({ queue }) => queue))]
    const { version, processes } = deps
    return (registered ??= engine.registerWorker({
      ...processes.self,
      id: workerId,
      queues,
      version,
      startedAt: clock.now(),
      role: 'caller',
    }))
  }

  async function follow(id: string, options: CallerOptions): Promise<JobDetail> {
    const { signal } = options
    for (;;) {
      const detail = (await engine.get(id))!
      if (hasEnded(detail) || signal?.aborted) {
        // who cancelled it in this moment has done our work
        if (detail.state === 'available' && detail.lifetime === 'with_owner') await engine.cancel(id, 'owner_gone').catch(() => undefined)
        return (await engine.get(id))!
      }
      // whoever holds it may be dead, and there may be no worker to notice
      if (detail.state === 'running') await engine.reap()
      const again = detail.state === 'available' && detail.runAt <= clock.now() ? await engine.claimById(id, claim) : null
      if (again) await executor.run(again, options.onProgress)
      else await waitFor(engine, clock, [detail], { ...(signal && { signal }), until: detail.state === 'available' ? detail.runAt : null })
    }
  }

  return {
    async runOwn(job, options = {}) {
      await register()
      const onAbort = (): void => executor.abort('stopped', ({ id }) => id === job.id)
      const release = await engine.subscribe([job.queue], () => executor.check())
      const rest = watchForSleep(clock, () => executor.abort('slept', ({ paid }) => paid))
      options.signal?.addEventListener('abort', onAbort)
      try {
        const { result, claimed } = await engine.enqueueClaimed(job, claim)
        if (claimed) {
          const ending = executor.run(claimed, options.onProgress)
          if (options.signal?.aborted) onAbort()
          await ending
        }
        return { result, detail: await follow(result.id, options) }
      } finally {
        options.signal?.removeEventListener('abort', onAbort)
        rest()
        release()
      }
    },
    async close() {
      await executor.close()
      if (registered) await engine.removeWorker(workerId)
    },
  }
}
