import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import { SingularityError, parseJson, sha256, makeFolder } from '../../kernel/index.ts'
import { runProcess } from '../../process/index.ts'
import type { Isolation, IsolationProbe, JailRequest } from '../isolation.ts'
import { bubblewrapArguments, JAIL_HOME } from './bubblewrap-arguments.ts'
import type { ControlGroups } from './control-groups.ts'
import { findControlGroups } from './control-groups.ts'
import type { IsolationDeps } from './deps.ts'
import { prepareOverlays, stageCommand, type OverlayWay } from './overlays.ts'
import { launcherOptions, supervise } from './supervise.ts'
import { temporaryFolder } from './temporary.ts'

const INSTALL_BUBBLEWRAP = [
  'apt-get install bubblewrap   # Debian, Ubuntu',
  'dnf install bubblewrap       # Fedora',
  'pacman -S bubblewrap         # Arch',
]

/** Ubuntu 23.10 and later forbid user namespaces to programs without a profile; this one allows bubblewrap alone. */
export const APPARMOR_FIX = [
  `printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/bwrap`,
  'sudo apparmor_parser -r /etc/apparmor.d/bwrap',
]

type Found = { probe: IsolationProbe; overlayWay: OverlayWay }

/**
 * The jail: no network but loopback, no main .git, no environment, no capabilities, no further user namespaces, an own
 * process tree that dies with us. Everything it may see is in the request.
 */
export function createBubblewrap(deps: IsolationDeps): Isolation {
  const launcher = deps.launcher !== null && existsSync(deps.launcher) ? deps.launcher : null
  const env = { PATH: deps.path }
  let controlGroups: ControlGroups | undefined
  let groupsSearched = false
  let finding: Promise<Found> | undefined
  const groups = (): ControlGroups | undefined => {
    if (!groupsSearched) controlGroups = deps.controlGroups === false ? undefined : findControlGroups()
    groupsSearched = true
    return controlGroups
  }
  const find = (): Promise<Found> => (finding ??= probeCached(deps, launcher))

  return {
    kind: 'bubblewrap',
    probe: async () => {
      const { probe } = await find()
      const cpuTime = launcher !== null ? 'launcher' : null
      return { ...probe, capabilities: { ...probe.capabilities, cpuTime: probe.available ? cpuTime : null } }
    },
    async run(request) {
      const { probe, overlayWay } = await find()
      if (!probe.available)
        throw new SingularityError('ISOLATION_MISSING', `bubblewrap cannot be used: ${probe.detail}`, { hints: probe.fix })
      const isRoot = deps.uid === 0
      const own = request.scratch === undefined ? temporaryFolder(deps.stateDir, 'scratch') : undefined
      try {
        const scratch = request.scratch ?? own!
        const prepared = await prepareOverlays(request.mounts, { way: overlayWay, scratch, isRoot, env })
        const args = bubblewrapArguments({
          request: { ...request, env: { ...BASE_ENV, ...request.env } },
          overlays: prepared.overlays,
          launcher,
          launcherOptions: launcherOptions(request, isRoot),
          identity: prepared.stage.length > 0 && !isRoot ? { uid: deps.uid, gid: deps.gid } : undefined,
        })
        const limited = launcher === null ? withoutLauncher(request) : []
        const argv = [...prepared.stage, ...limited, 'bwrap', ...args]
        return await supervise({ argv, cwd: '/', env, request, launcher, controlGroups: groups(), stateDir: deps.stateDir })
      } finally {
        if (own) rmSync(own, { recursive: true, force: true })
      }
    },
  }
}

const BASE_ENV = { HOME: JAIL_HOME, TMPDIR: '/tmp', LANG: 'C.UTF-8', TZ: 'UTC', CI: '1', NO_COLOR: '1' }

/** The same bounds by util-linux, where there was no compiler for the launcher. */
function withoutLauncher(request: JailRequest): string[] {
  const { maxFileBytes, maxMemoryBytes } = request.limits
  const args = ['prlimit', '--core=0']
  if (maxFileBytes !== undefined) args.push(`--fsize=${maxFileBytes}`)
  if (maxMemoryBytes !== undefined) args.push(`--data=${maxMemoryBytes}`)
  return request.lowPriority ? ['nice', '-n', '10', ...args] : args
}

async function probeCached(deps: IsolationDeps, launcher: string | null): Promise<Found> {
  const version = await runProcess({ command: 'bwrap', args: ['--version'], cwd: '/', env: { PATH: deps.path }, timeoutMs: 5000 })
  const text = version.stdout.toString('utf8').trim()
  if (version.exitCode !== 0)
    return missing(version.startError === null ? version.stderr.toString('utf8').trim() : 'bwrap is not installed', INSTALL_BUBBLEWRAP)
  // the launcher is built anew with each version and may be unusable (noexec): it is part of what was tried
  const key = sha256([release(), text, deps.uid, launcher ?? '', deps.path].join('\n'))
  const cache = join(deps.stateDir, 'isolation.json')
  const known = readCache(cache, key)
  if (known) return known
  const found = await probe(deps, launcher, text)
  if (found.probe.available) writeCache(cache, key, found) // a failure is tried again: the person may have fixed it
  return found
}

async function probe(deps: IsolationDeps, launcher: string | null, version: string): Promise<Found> {
  const request: JailRequest = {
    command: ['/bin/sh', '-c', 'test ! -e /home && echo alive'],
    cwd: '/',
    env: BASE_ENV,
    mounts: [],
    network: 'none',
    limits: { timeoutMs: 10_000 },
  }
  const args = bubblewrapArguments({ request, overlays: new Map(), launcher, launcherOptions: ['run', '--'] })
  const tried = await runProcess({ command: 'bwrap', args, cwd: '/', env: { PATH: deps.path }, timeoutMs: 10_000 })
  if (tried.exitCode !== 0 || tried.stdout.toString('utf8').trim() !== 'alive') {
    const detail = tried.stderr.toString('utf8').trim().split('\n')[0] ?? `exit ${tried.exitCode}`
    return missing(`${version}: ${detail}`, fixFor(detail))
  }
  const overlayWay = await findOverlayWay(deps, version)
  return {
    overlayWay,
    probe: {
      kind: 'bubblewrap',
      available: true,
      detail: version,
      fix: [],
      capabilities: { fileSystem: true, network: true, processes: true, cpuTime: null, overlay: overlayWay !== 'copy' },
    },
  }
}

function missing(detail: string, fix: readonly string[]): Found {
  const capabilities = { fileSystem: false, network: false, processes: false, cpuTime: null, overlay: false }
  return { overlayWay: 'copy', probe: { kind: 'bubblewrap', available: false, detail, fix, capabilities } }
}

/** What to do about a message of bubblewrap's. */
export function fixFor(detail: string): readonly string[] {
  if (/Unknown option|disable-userns/.test(detail)) return ['Update bubblewrap to 0.8 or later.', ...INSTALL_BUBBLEWRAP]
  if (/uid map|RTM_NEWADDR|Operation not permitted|Permission denied/i.test(detail)) {
    const restricted = existsSync('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')
    const container = existsSync('/.dockerenv') || existsSync('/run/.containerenv')
    if (restricted) return APPARMOR_FIX
    if (container)
      return [
        'docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined ...',
        'or name the container as the jail: --isolation none',
      ]
    return ['sudo sysctl -w kernel.unprivileged_userns_clone=1', ...APPARMOR_FIX]
  }
  if (/No space left|ENOSPC/.test(detail)) return ['sudo sysctl -w user.max_user_namespaces=15000']
  return INSTALL_BUBBLEWRAP
}

async function findOverlayWay(deps: IsolationDeps, version: string): Promise<OverlayWay> {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(version) ?? []
  const folder = temporaryFolder(deps.stateDir, 'overlay')
  const paths = ['lower', 'upper', 'work', 'merged'].map((name) => join(folder, name)) as [string, string, string, string]
  for (const path of paths) mkdirSync(path)
  try {
    const env = { PATH: deps.path }
    if (Number(major) > 0 || Number(minor) >= 11) {
      const args = ['--unshare-user', '--ro-bind', '/', '/', '--overlay-src', paths[0], '--overlay', paths[1], paths[2], paths[3], 'true']
      const native = await runProcess({ command: 'bwrap', args, cwd: '/', env, timeoutMs: 10_000 })
      if (native.exitCode === 0) return 'native'
    }
    const [command, ...args] = [...stageCommand(deps.uid === 0), '1', ...paths, 'true']
    const mounted = await runProcess({ command: command!, args, cwd: '/', env, timeoutMs: 10_000 })
    return mounted.exitCode === 0 ? 'mount' : 'copy'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readCache(path: string, key: string): Found | undefined {
  const entry = existsSync(path) ? (parseJson(readFileSync(path, 'utf8')) as { key?: string; found?: Found } | undefined) : undefined
  return entry?.key === key ? entry.found : undefined
}

function writeCache(path: string, key: string, found: Found): void {
  ensure(dirname(path))
  writeFileSync(path, JSON.stringify({ key, found }), { mode: 0o600 })
}

function ensure(folder: string): string {
  makeFolder(folder)
  return folder
}
