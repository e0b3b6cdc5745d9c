import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import type { AppContext } from '../../core/app.ts'
import { systemClock } from '../../core/kernel/index.ts'

/** Reads the process once: the core gets everything as values. */
export function openContext(version: string): AppContext {
  const env = process.env
  const home = env['HOME'] ?? homedir()
  return {
    cwd: process.cwd(),
    env,
    home,
    stateHome: env['XDG_STATE_HOME'] || join(home, '.local', 'state'),
    configHome: join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'singularity'),
    clock: systemClock,
    version,
    threads: availableParallelism(),
    ci: Boolean(env['CI']),
    packageRoot: new URL('..', import.meta.url).pathname,
  }
}
