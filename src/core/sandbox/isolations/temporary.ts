import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../../kernel/index.ts'

const NAME = /^(?:home|scratch|overlay)-(\d+)-/
const swept = new Set<string>()

/** A folder for one run below the isolation's own, named by our process so that others can tell when it is a leftover. */
export function temporaryFolder(stateDir: string, kind: 'home' | 'scratch' | 'overlay'): string {
  makeFolder(stateDir)
  if (!swept.has(stateDir)) sweepTemporary(stateDir)
  swept.add(stateDir)
  return mkdtempSync(join(stateDir, `${kind}-${process.pid}-`))
}

/** Removes what killed processes left. */
export function sweepTemporary(stateDir: string): void {
  for (const name of readdirSync(stateDir)) {
    const pid = NAME.exec(name)?.[1]
    if (pid && !isRunning(Number(pid))) rmSync(join(stateDir, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  if (existsSync('/proc/self')) return existsSync(`/proc/${pid}`)
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
