import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, newUuid, systemClock } from '../../src/core/kernel/index.ts'
import {
  type Account,
  type ModelService,
  type LlmRequest,
  type StoredResult,
  createAccount,
  createModelService,
  createRequestJob,
  createRoutingSource,
  createSecrets,
  createTransport,
} from '../../src/core/llm/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { type Attempt, type Caller, type JobDetail, type QueueEngine, createCaller } from '../../src/core/queue/index.ts'
import { type MockModels, startMockModels } from './models.ts'
import type { MockOptions } from './models/script.ts'
import { openQueueBench, silent } from './queue.ts'

export type LlmBench = {
  mock: MockModels
  engine: QueueEngine
  account: Account
  accountPath: string
  llm: ModelService
  caller: Caller
  paid: StoredResult[]
  /** Asks and waits; the row as it ended, and its attempts. */
  ask(request?: Partial<LlmRequest>, hints?: { model?: string; signal?: AbortSignal }): Promise<{ detail: JobDetail; attempts: Attempt[] }>
  cleanup(): Promise<void>
}

export type LlmBenchOptions = MockOptions & {
  clock?: Clock
  /** The user's llm.json. */
  file?: Record<string, unknown>
  /** Names of keys at hand; OpenAI's and Anthropic's where left out. */
  keys?: readonly string[]
  maxRetries?: number
  offline?: boolean
}

/** Queue, account, routing, adapters and SDKs as the program has them, in front of a mock provider. */
export async function openLlmBench(options: LlmBenchOptions = {}): Promise<LlmBench> {
  const { clock = systemClock, file, keys = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY'], maxRetries = 3, offline = false, ...script } = options
  const mock = await startMockModels(script)
  const place = openQueueBench()
  const engine = place.open({ clock })
  const processes = createProcessInfo()
  const accountPath = join(place.folder, 'account.db')
  const account = createAccount({ path: accountPath, clock, processes })
  mkdirSync(join(place.folder, 'config'))
  const userFile = join(place.folder, 'config', 'llm.json')
  if (file) writeFileSync(userFile, JSON.stringify(file))
  const routing = createRoutingSource({
    packagedFile: join(import.meta.dirname, '..', '..', 'templates_data', 'llm', 'routing.json'),
    userFile,
    repositoryFile: null,
    env: {
      OPENAI_BASE_URL: mock.baseUrl('responses'),
      ANTHROPIC_BASE_URL: mock.baseUrl('messages'),
      LLM_MAX_RETRIES: String(maxRetries),
    },
  })
  const paid: StoredResult[] = []
  const llm = createModelService({
    llm: {
      account: () => account,
      routing,
      secrets: createSecrets({
        env: Object.fromEntries(keys.map((name) => [name, 'key-of-the-test'])),
        folder: join(place.folder, 'config'),
        platform: process.platform,
        clock,
        askPassphrase: null,
      }),
    },
    transport: createTransport(),
    clock,
    // no jitter: what waits, waits its least
    random: () => 0,
    self: processes.self,
    isAlive: (owner) => processes.isAlive(owner),
    repository: 'bench',
    offline,
    onAnswer: (_request, result) => void paid.push(result),
  })
  const caller = createCaller({ engine, handlers: [llm.handler()], clock, log: silent, version: '0', processes })
  return {
    mock,
    engine,
    account,
    accountPath,
    llm,
    caller,
    paid,
    async ask(request = {}, { model, signal } = {}) {
      const whole = { id: newUuid(clock), task_type: 'coder', messages: [{ role: 'user' as const, content: 'hello' }], ...request }
      const job = await createRequestJob(
        whole,
        { clock, tasks: routing.table().tasks, known: [] },
        {
          ...(model !== undefined && { model }),
        },
      )
      const { detail } = await caller.runOwn({ ...job, lifetime: 'with_owner' }, signal ? { signal } : {})
      return { detail, attempts: await engine.attempts(detail.id) }
    },
    async cleanup() {
      await caller.close()
      await llm.close()
      account.close()
      await mock.close()
      place.cleanup()
    },
  }
}
