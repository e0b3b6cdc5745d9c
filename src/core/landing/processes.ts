import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Names one process for good: a pid alone is used again, also after a restart of the machine. */
export type ProcessIdentity = { pid: number; pidStart: string; bootId: string }

export type ProcessInfo = {
  readonly self: ProcessIdentity
  isAlive(identity: ProcessIdentity): boolean
}

/** Reads identities from /proc; where there is none (macOS) only the pid can be asked. */
export function createProcessInfo(pid: number = process.pid): ProcessInfo {
  const bootId = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  return {
    self: { pid, pidStart: startOf(pid), bootId },
    isAlive(identity) {
      if (identity.bootId !== bootId || !signalReaches(identity.pid)) return false
      const start = startOf(identity.pid)
      return start === '' || identity.pidStart === '' || start === identity.pidStart
    },
  }
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/s.test(readText(`/proc/${pid}/stat`) ?? '')
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

/** Start time in clock ticks since boot (field 22 of /proc/PID/stat, see proc(5)), '' where unknown. */
function startOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Environment of the git children that write for an operation: lets `recover` find those that outlived us. */
export function operationMark(id: string): Record<string, string> {
  return { SINGULARITY_OPERATION: id }
}

const SETTLE_MS = 5000

/** Kills what still runs for an operation whose owner died, and waits until it is gone. */
export async function endChildren(operationId: string): Promise<void> {
  const mark = `SINGULARITY_OPERATION=${operationId}`
  const find = (): number[] => pids().filter((pid) => pid !== process.pid && readText(`/proc/${pid}/environ`)?.split('\0').includes(mark))
  const end = performance.now() + SETTLE_MS
  for (let found = find(); found.length > 0 && performance.now() < end; found = find()) {
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // gone meanwhile
      }
    }
    await delay(5)
  }
}

/** Commands that take no locks, and may stay for hours: behind a pager, as a daemon, as a reader of objects. */
const READERS = new Set([
  'annotate',
  'blame',
  'cat-file',
  'credential-cache--daemon',
  'daemon',
  'diff',
  'fsmonitor--daemon',
  'grep',
  'help',
  'log',
  'ls-files',
  'ls-tree',
  'reflog',
  'rev-list',
  'shortlog',
  'show',
  'upload-pack',
])

/** Is some git command of the user at work in one of these folders? Only seen where /proc exists. */
export function gitAtWork(folders: readonly string[]): boolean {
  return pids().some((pid) => {
    if (readText(`/proc/${pid}/comm`)?.trim() !== 'git') return false
    if (READERS.has(subcommand(readText(`/proc/${pid}/cmdline`)?.split('\0') ?? []))) return false
    try {
      const cwd = readlinkSync(`/proc/${pid}/cwd`)
      return folders.some((folder) => cwd === folder || cwd.startsWith(`${folder}/`))
    } catch {
      return false
    }
  })
}

/** `git -c a=b -C x log` -> 'log' */
function subcommand(command: readonly string[]): string {
  for (let index = 1; index < command.length; index++) {
    if (command[index] === '-c' || command[index] === '-C') index++
    else if (!command[index]!.startsWith('-')) return command[index]!
  }
  return ''
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}
