import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runProcess } from '../../process/index.ts'
import { loadMachinery } from '../../sandbox/index.ts'
import { type Check, fail, ok, warn } from '../check.ts'
import { type SystemDeps, jailOf } from '../deps.ts'

export const isolation: Check = {
  id: 'isolation',
  async run(deps) {
    const kind = jailOf(deps.platform)
    const probe = await (await deps.isolation(kind)).probe()
    if (probe.available) return ok(`${kind}: ${probe.detail}`)
    const fix = probe.fix.length === 0 && restrictsUserNamespaces(deps) ? (await loadMachinery()).APPARMOR_FIX : probe.fix
    return fail(`${kind}: ${probe.detail}`, ...fix)
  },
}

/** Ubuntu 23.10 and later. */
function restrictsUserNamespaces({ platform }: SystemDeps): boolean {
  return platform === 'linux' && existsSync('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')
}

const BUILD = 'scripts/build-launcher.mjs'

export const launcher: Check = {
  id: 'launcher',
  async run({ packageRoot, platform }) {
    if (platform !== 'linux') return ok('only needed on Linux')
    if (existsSync(join(packageRoot, 'native', 'build', 'launcher'))) return ok('built: CPU time is measured outside the jail')
    return warn('not built: CPU time is taken from control groups, or not measured', `node ${join(packageRoot, BUILD)}`)
  },
  async repair({ packageRoot, env }) {
    const variables = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)
    await runProcess({
      command: 'node',
      args: [join(packageRoot, BUILD)],
      cwd: packageRoot,
      env: Object.fromEntries(variables),
      timeoutMs: 60_000,
    })
  },
}
