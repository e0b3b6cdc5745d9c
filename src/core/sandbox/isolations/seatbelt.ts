import { existsSync } from 'node:fs'
import type { Isolation, JailRequest } from '../isolation.ts'
import type { IsolationDeps } from './deps.ts'
import { createNone } from './none.ts'
import type { PathMapping } from './path-mapping.ts'

const SANDBOX_EXEC = '/usr/bin/sandbox-exec'
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/System',
  '/Library',
  '/opt/homebrew',
  '/usr/local',
  '/private/etc',
  '/private/var/db/timezone',
  '/dev',
]

/**
 * The Seatbelt profile of a request: everything is denied but reading the system and the mounts, writing the writable
 * mounts, and the loopback network. Pure text.
 */
export function seatbeltProfile(request: JailRequest, mappings: readonly PathMapping[]): string {
  const paths = (modes: readonly string[]): string[] =>
    request.mounts.filter((mount) => modes.includes(mount.mode)).map((mount) => mount.from)
  const writable = [...paths(['rw']), ...mappings.map((mapping) => mapping.from).filter((path) => !paths(['ro']).includes(path))]
  const readable = [...SYSTEM, ...paths(['ro', 'rw', 'overlay']), ...writable]
  const lines = [
    '(version 1)',
    '(deny default)',
    '(allow process-fork)',
    '(allow process-exec)',
    '(allow signal (target same-sandbox))',
    '(allow sysctl-read)',
    '(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))',
    '(allow file-read-metadata)',
    '(allow file-read* (literal "/"))',
    ...unique(readable).map((path) => `(allow file-read* (subpath ${quote(path)}))`),
    ...unique(writable).map((path) => `(allow file-write* (subpath ${quote(path)}))`),
    '(allow file-write* (literal "/dev/null") (literal "/dev/tty"))',
    '(allow network* (local ip "localhost:*") (remote ip "localhost:*"))',
  ]
  if (request.network === 'host') lines.push('(allow network*)')
  return `${lines.join('\n')}\n`
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)]
}

function quote(path: string): string {
  return `"${path.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`
}

/**
 * macOS: sandbox-exec with a generated profile around the clean environment of `none`. Untested: nobody has run it on a
 * Mac yet; only the text of the profile is tested. There is no process namespace and no path of the repository's own.
 */
export function createSeatbelt(deps: IsolationDeps): Isolation {
  const plain = createNone(deps, (request, mappings) => [SANDBOX_EXEC, '-p', seatbeltProfile(request, mappings)])
  const available = process.platform === 'darwin' && existsSync(SANDBOX_EXEC)
  return {
    kind: 'seatbelt',
    probe: () =>
      Promise.resolve({
        kind: 'seatbelt',
        available,
        detail: available ? 'sandbox-exec (untested by the project)' : 'only on macOS',
        fix: [],
        capabilities: { fileSystem: available, network: available, processes: false, cpuTime: null, overlay: false },
      }),
    run: plain.run,
  }
}
