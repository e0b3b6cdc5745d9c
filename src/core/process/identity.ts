import { readFileSync, readlinkSync } from 'node:fs'

/** Names one process for good: a pid alone is used again, also after a restart of the machine. */
export type ProcessIdentity = { pid: number; pidStart: string; bootId: string }

export type ProcessInfo = {
  readonly self: ProcessIdentity
  /** Pids mean something only inside of it: two containers of one machine share the boot id, but not their processes. */
  readonly pidNamespace?: string
  isAlive(identity: ProcessIdentity): boolean
}

/** Reads identities from /proc; where there is none (macOS) only the pid can be asked. */
export function createProcessInfo(pid: number = process.pid): ProcessInfo {
  const bootId = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  return {
    self: { pid, pidStart: startOf(pid), bootId },
    pidNamespace: readTarget('/proc/self/ns/pid'),
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

function readTarget(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
