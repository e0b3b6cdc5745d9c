import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import { hasEngine } from '../parsing/index.ts'
import { probeSqlite, readSchema } from '../storage/index.ts'
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
  const state = (file: string, look: (path: string) => unknown): Promise<ServiceState> | 'down' =>
    native === 'loaded' ? fileState(deps, file, look) : 'down'
  const [database, queue, isolation, llm] = await Promise.all([
    state('state.db', async () => (await deps.database()).get('SELECT count(*) FROM run')),
    state('queue.db', readSchema),
    isolationState(deps),
    native === 'loaded' ? modelState(deps) : ('down' as const),
  ])
  const unhealthy = database === 'down' || native === 'down'
  return {
    status: unhealthy ? 'unhealthy' : isolation === 'down' || queue === 'down' ? 'degraded' : 'healthy',
    services: { database, queue, native, isolation, llm },
    version: deps.version,
  }
}

function nativeState(): ServiceState {
  try {
    probeSqlite()
    return hasEngine() ? 'loaded' : 'down'
  } catch {
    return 'down'
  }
}

async function fileState(deps: SystemDeps, file: string, look: (path: string) => unknown): Promise<ServiceState> {
  try {
    const path = join(await deps.stateDir(), file)
    if (!existsSync(path)) return 'not created'
    await look(path)
    return 'up'
  } catch (error) {
    return SingularityError.isInstance(error) && error.code === 'NOT_A_REPOSITORY' ? 'no repository' : 'down'
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
