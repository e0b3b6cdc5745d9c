import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import { findEngine } from '../parsing/index.ts'
import { probeSqlite } from '../storage/index.ts'
import { type SystemDeps, jailOf } from './deps.ts'

export type ServiceState = 'up' | 'down' | 'loaded' | 'not created' | 'not configured' | 'no repository'

export type SystemStatus = {
  /** `degraded`: something needed for new experiments is missing; `unhealthy`: nothing can be read. */
  status: 'healthy' | 'degraded' | 'unhealthy'
  services: Record<'database' | 'queue' | 'native' | 'isolation' | 'llm', ServiceState>
  version: string
}

/** Whether the parts are there. Reads only: nothing is made, no parser is loaded. */
export async function readStatus(deps: SystemDeps): Promise<SystemStatus> {
  const native = nativeState()
  const loaded = native === 'loaded'
  const [database, queue, isolation, llm] = await Promise.all([
    loaded ? databaseState(deps) : ('down' as const),
    loaded ? queueState(deps) : ('down' as const),
    isolationState(deps),
    loaded ? modelState(deps) : ('down' as const),
  ])
  const unhealthy = database === 'down' || native === 'down'
  return {
    status: unhealthy ? 'unhealthy' : isolation === 'down' ? 'degraded' : 'healthy',
    services: { database, queue, native, isolation, llm },
    version: deps.version,
  }
}

function nativeState(): ServiceState {
  const { installed, missing } = findEngine()
  try {
    probeSqlite()
    return installed && missing.length === 0 ? 'loaded' : 'down'
  } catch {
    return 'down'
  }
}

async function databaseState(deps: SystemDeps): Promise<ServiceState> {
  try {
    if (!existsSync(join(await deps.stateDir(), 'state.db'))) return 'not created'
    ;(await deps.database()).get('SELECT count(*) FROM run')
    return 'up'
  } catch (error) {
    return SingularityError.isInstance(error) && error.code === 'NOT_A_REPOSITORY' ? 'no repository' : 'down'
  }
}

/** Looks at the file only: opening the queue would be work for everybody who waits at it. */
async function queueState(deps: SystemDeps): Promise<ServiceState> {
  try {
    const path = join(await deps.stateDir(), 'queue.db')
    if (!existsSync(path)) return 'not created'
    return isDatabase(path) ? 'up' : 'down'
  } catch (error) {
    return SingularityError.isInstance(error) && error.code === 'NOT_A_REPOSITORY' ? 'no repository' : 'down'
  }
}

function isDatabase(path: string): boolean {
  const [file, head] = [openSync(path, 'r'), Buffer.alloc(16)]
  try {
    readSync(file, head, 0, 16, 0)
    return head.toString('latin1') === 'SQLite format 3\0'
  } finally {
    closeSync(file)
  }
}

/** Whether some model could be called now: with a key (or on this machine), allowed and not blocked. Nobody is called. */
async function modelState(deps: SystemDeps): Promise<ServiceState> {
  try {
    const { providers } = (await deps.llm()).overview.routes()
    if (providers.some(({ usable }) => usable)) return 'up'
    return providers.some(({ reason }) => reason?.startsWith('blocked')) ? 'down' : 'not configured'
  } catch {
    return 'down'
  }
}

async function isolationState(deps: SystemDeps): Promise<ServiceState> {
  const probe = await deps
    .isolation(jailOf(deps.platform))
    .then((jail) => jail.probe())
    .catch(() => null)
  return probe?.available ? 'up' : 'down'
}
