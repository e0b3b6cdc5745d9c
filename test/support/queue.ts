import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, newUuid, systemClock } from '../../src/core/kernel/index.ts'
import { type ProcessIdentity, type ProcessInfo, createProcessInfo } from '../../src/core/process/index.ts'
import { type NewJob, type QueueEngine, type SqliteQueueOptions, createMemoryQueue, createSqliteQueue } from '../../src/core/queue/index.ts'
import type { Logger } from '../../src/core/telemetry/index.ts'

export const silent: Logger = {
  path: '',
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** A clock that is moved by hand; both its faces move together unless told otherwise. */
export function manualClock(start = 1_900_000_000_000): Clock & { advance(ms: number): void; jump(ms: number): void } {
  let wall = start
  let steady = 5000
  return {
    now: () => wall,
    monotonic: () => steady,
    advance(ms) {
      wall += ms
      steady += ms
    },
    jump(ms) {
      wall += ms
    },
  }
}

export type QueueBench = { folder: string; path: string; open(more?: Partial<SqliteQueueOptions>): QueueEngine; cleanup(): void }

/** A folder with one queue file; everything opened over it is closed with it. */
export function openQueueBench(): QueueBench {
  const folder = mkdtempSync(join(tmpdir(), 'queue-'))
  const path = join(folder, 'queue.db')
  const opened: QueueEngine[] = []
  return {
    folder,
    path,
    open(more = {}) {
      const queue = createSqliteQueue({ path, runDir: join(folder, 'run'), clock: systemClock, processes: createProcessInfo(), ...more })
      opened.push(queue)
      return queue
    },
    cleanup() {
      for (const queue of opened) queue.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function newJob(more: Partial<NewJob> = {}): NewJob {
  return { id: newUuid(systemClock), queue: 'work', kind: 'k', payload: '{"a":1}', ...more }
}

/** Waits for a condition that something else brings about, looking at it between turns of the event loop. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Processes that live until they are said to be dead. */
export function namedProcesses(): ProcessInfo & { dead: Set<number>; identity(pid: number): ProcessIdentity } {
  const dead = new Set<number>()
  const identity = (pid: number): ProcessIdentity => ({ pid, pidStart: '1', bootId: 'boot' })
  return { self: identity(1), pidNamespace: 'ns', isAlive: ({ pid }) => !dead.has(pid), dead, identity }
}

export type TestEngine = { name: string; open(deps: { clock: Clock; processes: ProcessInfo }): { queue: QueueEngine; cleanup(): void } }

/** Every engine there is; a suite over these is what an engine has to pass. */
export const ENGINES: readonly TestEngine[] = [
  {
    name: 'sqlite',
    open(deps) {
      const bench = openQueueBench()
      return { queue: bench.open(deps), cleanup: () => bench.cleanup() }
    },
  },
  {
    name: 'sqlite on a shared file system',
    open(deps) {
      const bench = openQueueBench()
      return { queue: bench.open({ ...deps, fileSystem: () => 'NFS' }), cleanup: () => bench.cleanup() }
    },
  },
  { name: 'memory', open: (deps) => ({ queue: createMemoryQueue(deps), cleanup: () => undefined }) },
]
