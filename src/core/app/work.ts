import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Approvals, createResponseHandlers } from '../approvals/index.ts'
import type { Settings } from '../config/index.ts'
import type { ImproveRequest, ImprovementService } from '../improvement/index.ts'
import { SingularityError, newUuid } from '../kernel/index.ts'
import { createProcessInfo } from '../process/index.ts'
import type { EnqueueResult, JobHandler, MessageHandler, NewJob, QueueEngine, QueueService, QueueWorker } from '../queue/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { AppContext } from './context.ts'
import type { Models } from './models.ts'

export type WorkParts = {
  context: AppContext
  stateDir: () => Promise<string>
  engine: () => Promise<QueueEngine>
  settings: () => Promise<Settings>
  models: Models
  approvals: () => Promise<Approvals>
  improvement: () => Promise<ImprovementService>
  queue: () => Promise<QueueService>
  parseRequests: (text: string) => Promise<readonly NewJob[]>
  /** The core as somebody in that folder has it, for one job. */
  openFolder: (folder: string, options: { offline: boolean }) => FolderCore
  log: (part: string) => Promise<Logger>
}

export type FolderCore = {
  stateDir(): Promise<string>
  improvement(): Promise<ImprovementService>
  reclaim(): Promise<readonly string[]>
  close(): Promise<void>
}

const improvementRoom = () => import('../improvement/index.ts')
const systemRoom = () => import('../system/index.ts')

/** Kinds of jobs that rooms above the queue have registered, for whoever names one. */
export async function jobKinds(): Promise<readonly { kind: string; queue: string }[]> {
  return [(await improvementRoom()).IMPROVE_JOB, (await systemRoom()).UPKEEP_JOB]
}

/**
 * Who works on the queue: the handlers of every room, the consumers of messages, and whoever waits for what others decide. A room
 * registers here; the queue knows none of them.
 */
export function composeWork(parts: WorkParts) {
  const { context, engine } = parts
  const { clock, version } = context

  /** Decisions and answers that other programs send. */
  async function responses(): Promise<MessageHandler[]> {
    return createResponseHandlers({
      approvals: await parts.approvals(),
      log: await parts.log('worker'),
      async decide({ candidateId, by, approved, reason, ...bound }) {
        const service = await parts.improvement()
        if (approved) await service.approve(candidateId, { name: by, via: 'message' }, bound)
        else await service.reject(candidateId, { name: by, via: 'message' }, reason ?? 'declined by a message', bound)
      },
      async answer(id, by, text) {
        await (await parts.improvement()).answer(id, { name: by, via: 'message' }, text)
      },
    })
  }

  /** Each attempt has a core of its own, so that it begins with the recovery of whatever was before it. */
  async function openOwn(folder: string, options: { offline: boolean }): Promise<FolderCore> {
    const opened = parts.openFolder(folder, options)
    const isOurs = await opened.stateDir().then(async (found) => found === (await parts.stateDir()))
    if (isOurs) return opened
    await opened.close()
    throw new SingularityError('USAGE', `${folder} belongs to another repository now.`)
  }

  async function jobHandlers(): Promise<JobHandler[]> {
    const [{ createImproveHandler }, { createUpkeepHandler }] = [await improvementRoom(), await systemRoom()]
    return [
      createImproveHandler({
        clock,
        env: context.env,
        async open(folder, options) {
          const core = await openOwn(folder, options)
          return { service: await core.improvement(), close: core.close }
        },
      }),
      createUpkeepHandler({
        async recover() {
          const core = await openOwn(context.cwd, { offline: false })
          try {
            const { runs, expired, sandboxes } = await (await core.improvement()).recover()
            return { runs, expired, sandboxes: [...new Set([...sandboxes, ...(await core.reclaim())])] }
          } finally {
            await core.close()
          }
        },
        prune: async () => (await (await parts.queue()).prune()).pruned,
      }),
    ]
  }

  async function enqueue(job: NewJob): Promise<EnqueueResult & { workers: number }> {
    const [enqueued] = await (await engine()).enqueue([job])
    return { ...enqueued!, workers: await (await parts.queue()).liveWorkers() }
  }

  return {
    /** Serves the queue with the handlers of every room. `concurrency`: jobs at once in each of its two loops. */
    async worker(options: { concurrency: number }): Promise<QueueWorker> {
      const { createConsumer, createRequestIntake, createWorker } = await import('../queue/index.ts')
      // what the repository may not set is told before anything of the queue is touched
      ;(await parts.models.llm()).routing.table()
      const [opened, resolved, logger] = [await engine(), await parts.settings(), await parts.log('worker')]
      const batch = { llm: resolved.get<number>('queue.llm_batch_size'), other: resolved.get<number>('queue.batch_size') }
      const leaseMs = resolved.get<number>('queue.lease_ms')
      const messages = [createRequestIntake({ engine: opened, parseRequests: parts.parseRequests }), ...(await responses())]
      return createWorker({
        engine: opened,
        handlers: [(await parts.models.service()).handler(), ...(await jobHandlers())],
        clock,
        log: logger,
        version,
        processes: createProcessInfo(),
        settings: { concurrency: options.concurrency, batch, leaseMs, retentionDays: resolved.get('queue.retention_days') },
        messages: createConsumer({ engine: opened, handlers: messages, batchSize: batch.other, log: logger }),
      })
    },

    detach: {
      /** Puts a run into the queue for a worker to make. @throws what the run itself would be refused by at once */
      async improve(asked: ImproveRequest): Promise<EnqueueResult & { workers: number }> {
        const { request, place } = await (await parts.improvement()).prepareJob(asked)
        return enqueue((await improvementRoom()).improveJob(newUuid(clock), request, place))
      },
      upkeep: async () => enqueue((await systemRoom()).upkeepJob(newUuid(clock))),
    },

    /**
     * Tells whoever waits that something was decided or answered: jobs that wait for it are due now. Where there is no queue nobody
     * waits; where it cannot be used they look again by themselves.
     */
    async wake(jobs: readonly string[]): Promise<void> {
      if (!existsSync(join(await parts.stateDir(), 'queue.db'))) return
      try {
        await (await engine()).wake(jobs)
      } catch (error) {
        const logger = await parts.log('cli')
        logger.warn('nobody could be woken', { jobs, error })
      }
    },

    /** Until `look` says yes; what other programs have answered meanwhile is taken here, as there may be no worker. */
    async waitUntil(look: () => boolean, options: { timeoutMs: number | null; signal: AbortSignal }): Promise<boolean> {
      const [{ createConsumer, waitUntil }, opened] = [await import('../queue/index.ts'), await engine()]
      const consumer = createConsumer({ engine: opened, handlers: await responses(), batchSize: 100, log: await parts.log('cli') })
      const see = async (): Promise<boolean> => look() || ((await consumer.consume()) > 0 && look())
      return waitUntil(opened, clock, see, options)
    },
  }
}
