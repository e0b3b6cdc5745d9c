import { readFileSync } from 'node:fs'

/** Who owns something on disk: a process id alone is reused, with its start time and the boot it is unique. */
export type Owner = { pid: number; pidStart: string; bootId: string }

export type ProcessInfo = { self(): Owner; isAlive(owner: Owner): boolean }

/** Start time in clock ticks since boot, or '' where there is no /proc. */
function startTime(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Reads /proc where there is one; elsewhere only the process id can be asked. */
export function createProcessInfo(): ProcessInfo {
  const boot = bootId()
  return {
    self: () => ({ pid: process.pid, pidStart: startTime(process.pid) ?? '', bootId: boot }),
    isAlive(owner) {
      if (owner.bootId !== boot) return false
      if (boot !== '') return startTime(owner.pid) === owner.pidStart
      try {
        process.kill(owner.pid, 0)
        return true
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EPERM'
      }
    },
  }
}
