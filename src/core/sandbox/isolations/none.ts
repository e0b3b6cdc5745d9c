import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError } from '../../kernel/index.ts'
import type { Isolation, JailRequest, JailResult } from '../isolation.ts'
import { JAIL_HOME } from './bubblewrap-arguments.ts'
import { findControlGroups, type ControlGroups } from './control-groups.ts'
import type { Guarded, IsolationDeps } from './deps.ts'
import { copyTree } from './overlays.ts'
import { mapPaths, mappingsOf, type PathMapping } from './path-mapping.ts'
import { launcherOptions, supervise } from './supervise.ts'
import { guardGitDir, guardWorkTree, tamperedFiles } from './tamper.ts'
import { temporaryFolder } from './temporary.ts'

/**
 * No isolation, for people who spell it out: a cleared environment, a temporary home, the whole process group killed at
 * the end, and a check that neither the git directory nor the checkout was touched.
 */
export function createNone(
  deps: IsolationDeps,
  prefix: (request: JailRequest, mappings: readonly PathMapping[]) => readonly string[] = () => [],
): Isolation {
  const launcher = process.platform === 'linux' && deps.launcher !== null && existsSync(deps.launcher) ? deps.launcher : null
  let groups: ControlGroups | undefined | null = null
  return {
    kind: 'none',
    probe: () =>
      Promise.resolve({
        kind: 'none',
        available: true,
        detail: 'no isolation: the command can read and write what you can',
        fix: [],
        capabilities: {
          fileSystem: false,
          network: false,
          processes: launcher !== null,
          cpuTime: launcher === null ? null : 'launcher',
          overlay: false,
        },
      }),
    async run(request) {
      if (groups === null) groups = deps.controlGroups === false ? undefined : findControlGroups()
      const home = temporaryFolder(deps.stateDir, 'home')
      const before = deps.guarded && look(deps.guarded)
      try {
        const mappings = await layOut(request, home, deps)
        const map = (text: string): string => mapPaths(text, mappings)
        const base = { HOME: home, TMPDIR: home, LANG: 'C.UTF-8', TZ: 'UTC', CI: '1', NO_COLOR: '1' }
        const env = Object.fromEntries(Object.entries({ ...base, ...request.env }).map(([name, value]) => [name, map(value)]))
        const command = request.command.map(map)
        const supervised = launcher === null ? [] : [launcher, ...launcherOptions(request, deps.uid === 0)]
        const argv = [...supervised, ...prefix(request, mappings), ...command]
        const { stateDir } = deps
        const result = await supervise({
          argv,
          cwd: map(request.cwd),
          env,
          request,
          launcher,
          controlGroups: groups,
          stateDir,
          gentleKill: true,
        })
        if (before) refuseTampering(before, look(deps.guarded!))
        return translate(result, mappings)
      } finally {
        rmSync(home, { recursive: true, force: true })
      }
    },
  }
}

/** Copy-on-write folders become copies, temporary ones empty folders; the rest is named by its real path. */
async function layOut(request: JailRequest, home: string, deps: IsolationDeps): Promise<PathMapping[]> {
  const scratch = request.scratch ?? join(home, '.scratch')
  const mounts = []
  for (const [index, mount] of request.mounts.entries()) {
    if (mount.mode !== 'overlay') {
      mounts.push(mount)
      continue
    }
    const copy = join(scratch, `layer-${index}`)
    if (!existsSync(copy)) await copyTree(mount.from, copy, { PATH: deps.path })
    mounts.push({ ...mount, from: copy })
  }
  return mappingsOf(mounts, [{ from: home, to: JAIL_HOME }])
}

function look({ gitDirs, workTree }: Guarded): Map<string, string> {
  const found = new Map(gitDirs.flatMap((gitDir) => [...guardGitDir(gitDir)]))
  if (workTree !== undefined) for (const [path, value] of guardWorkTree(workTree)) found.set(path, value)
  return found
}

const NAMED = 20

function refuseTampering(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  const changed = tamperedFiles(before, after)
  if (changed.length === 0) return
  const more = changed.length > NAMED ? ` and ${changed.length - NAMED} more` : ''
  throw new SingularityError(
    'ISOLATION_BREACHED',
    `Without a jail, the repository was changed while a command ran: ${changed.slice(0, NAMED).join(', ')}${more}.`,
    {
      hints: [
        'Look at these files before the next git command; they may run programs.',
        'If you changed them yourself meanwhile, run the same command again.',
        'singularity doctor   # a jail keeps tests away from the repository',
      ],
      data: { changed },
    },
  )
}

function translate(result: JailResult, mappings: readonly PathMapping[]): JailResult {
  return { ...result, stdout: mapPaths(result.stdout, mappings, 'toJail'), stderr: mapPaths(result.stderr, mappings, 'toJail') }
}
