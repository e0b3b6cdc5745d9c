import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError, plural } from '../../kernel/index.ts'
import { type Check, ok, warn } from '../check.ts'
import type { SystemDeps } from '../deps.ts'

const FIX = 'singularity doctor --fix'

export const leftovers: Check = {
  id: 'leftovers',
  async run(deps) {
    if (!(await hasState(deps))) return ok('no state here yet')
    const left = (await deps.sandboxes()).leftovers()
    return left.length === 0
      ? ok('no sandboxes of dead processes')
      : warn(`${plural(left.length, 'sandbox', 'sandboxes')} of dead processes`, FIX)
  },
  async repair(deps) {
    await (await deps.sandboxes()).reclaim()
  },
}

export const runs: Check = {
  id: 'runs',
  async run(deps) {
    if (!(await hasState(deps))) return ok('no state here yet')
    const left = await deps.leftRunning()
    return left.length === 0
      ? ok('no run was left unfinished')
      : warn(`${plural(left.length, 'run')} left unfinished by a dead process`, FIX)
  },
  repair: async (deps) => void (await deps.recover()),
}

/** A doctor makes no state where there is none. */
async function hasState(deps: SystemDeps): Promise<boolean> {
  try {
    return existsSync(join(await deps.stateDir(), 'state.db'))
  } catch (error) {
    if (SingularityError.isInstance(error)) return false
    throw error
  }
}
