import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { JailRequest, Mount } from '../isolation.ts'

export const JAIL_HOME = '/tmp/home'
export const JAIL_LAUNCHER = '/.launcher'

/** Files of /etc that programs need to start; no configuration of people or services. */
const ETC = [
  'alternatives',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'ssl',
  'ca-certificates',
  'pki',
  'passwd',
  'group',
  'nsswitch.conf',
  'hosts',
  'localtime',
  'mime.types',
  'python3',
  'python3.9',
  'python3.10',
  'python3.11',
  'python3.12',
  'python3.13',
  'java-11-openjdk',
  'java-17-openjdk',
  'java-21-openjdk',
  'fonts',
  'magic',
  'protocols',
  'services',
]

/** The operating system, read-only: /usr and its links, the needed part of /etc. */
export function systemArguments(network: JailRequest['network']): string[] {
  const args = ['--ro-bind', '/usr', '/usr']
  for (const path of ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']) {
    if (!existsSync(path)) continue
    if (lstatSync(path).isSymbolicLink()) args.push('--symlink', relative('/', readlinkSync(path).replace(/^\/?/, '/')), path)
    else args.push('--ro-bind', path, path)
  }
  for (const name of ETC) args.push('--ro-bind-try', `/etc/${name}`, `/etc/${name}`)
  if (network === 'host') args.push('--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf')
  return args
}

export type BubblewrapPlan = {
  request: JailRequest
  /** Where overlay mounts stand: `mounted` are plain binds of what was mounted before, `native` need bubblewrap 0.11. */
  overlays: ReadonlyMap<Mount, { kind: 'bind'; from: string } | { kind: 'native'; upper: string; work: string }>
  launcher: string | null
  /** Options of `launcher run`. */
  launcherOptions: readonly string[]
  /** The user to appear as, where the stage before has already changed it. */
  identity?: { uid: number; gid: number } | undefined
}

/** The whole command line of bubblewrap after its name. Pure but for looking at the links in /. */
export function bubblewrapArguments(plan: BubblewrapPlan): string[] {
  const { request, launcher } = plan
  const args = [
    '--unshare-user',
    '--unshare-all',
    '--disable-userns',
    '--die-with-parent',
    '--new-session',
    '--cap-drop',
    'ALL',
    '--clearenv',
  ]
  if (plan.identity) args.push('--uid', String(plan.identity.uid), '--gid', String(plan.identity.gid))
  if (request.network === 'host') args.push('--share-net')
  if (launcher !== null) args.push('--as-pid-1')
  args.push(...systemArguments(request.network), '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--dir', JAIL_HOME)
  for (const mount of byDepth(request.mounts)) args.push(...mountArguments(mount, plan))
  if (launcher !== null) args.push('--ro-bind', launcher, JAIL_LAUNCHER)
  // without this the root of the jail, a temporary file system, could be written
  args.push('--remount-ro', '/', '--hostname', 'sandbox', '--chdir', request.cwd)
  for (const [name, value] of Object.entries(request.env)) args.push('--setenv', name, value)
  args.push('--')
  if (launcher !== null) args.push(JAIL_LAUNCHER, ...plan.launcherOptions)
  return [...args, ...request.command]
}

/** Parents before children, otherwise in the given order. */
export function byDepth(mounts: readonly Mount[]): Mount[] {
  const depth = (mount: Mount): number => mount.to.split('/').length
  return [...mounts].sort((a, b) => depth(a) - depth(b))
}

function mountArguments(mount: Mount, plan: BubblewrapPlan): string[] {
  if (mount.mode === 'tmpfs') return ['--tmpfs', mount.to]
  if (mount.open) return openFolder(mount)
  if (mount.mode === 'ro') return ['--ro-bind', mount.from, mount.to]
  if (mount.mode === 'rw') return ['--bind', mount.from, mount.to]
  const overlay = plan.overlays.get(mount)
  if (overlay?.kind === 'native') return ['--overlay-src', mount.from, '--overlay', overlay.upper, overlay.work, mount.to]
  return ['--bind', overlay?.from ?? mount.from, mount.to]
}

/** A folder in memory that holds what the other one holds: links as links, the rest bound. */
function openFolder({ from, to }: Mount): string[] {
  const entries = readdirSync(from, { withFileTypes: true }).flatMap((entry) => {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    return entry.isSymbolicLink() ? ['--symlink', readlinkSync(source), target] : ['--ro-bind', source, target]
  })
  return ['--tmpfs', to, ...entries]
}
