import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** One run's control group: bounds processes even for root and counts the CPU time nobody can hide. */
export type ControlGroup = {
  /** Files a process writes "0" into to join. */
  readonly join: readonly string[]
  cpuMs(): number | null
  close(): Promise<void>
}

export type ControlGroups = { open(maxProcesses: number | undefined): ControlGroup | undefined }

type Hierarchy = { folder: string; role: 'pids' | 'cpuacct' | 'unified' }

const PREFIX = 'singularity-'
let counter = 0

/**
 * Control groups v1 (cpuacct, pids) or v2 below our own group, where they can be written; `undefined` where not.
 * Groups that dead processes left are removed.
 */
export function findControlGroups(mountPoint = '/sys/fs/cgroup', ownGroups = '/proc/self/cgroup'): ControlGroups | undefined {
  const hierarchies = ownHierarchies(mountPoint, ownGroups).filter(isWritable)
  if (!hierarchies.some((each) => each.role !== 'pids')) return undefined
  for (const each of hierarchies) sweep(each.folder)
  return { open: (maxProcesses) => openGroup(hierarchies, maxProcesses) }
}

function ownHierarchies(mountPoint: string, ownGroups: string): Hierarchy[] {
  const found: Hierarchy[] = []
  const lines = attempt(() => readFileSync(ownGroups, 'utf8'))?.split('\n') ?? []
  for (const line of lines) {
    const [, , controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    for (const role of ['cpuacct', 'pids'] as const)
      if (controllers.split(',').includes(role)) found.push({ role, folder: join(mountPoint, role, path) })
    if (controllers === '' && existsSync(join(mountPoint, 'cgroup.controllers')))
      found.push({ role: 'unified', folder: join(mountPoint, path) })
  }
  return found
}

function isWritable(hierarchy: Hierarchy): boolean {
  const folder = join(hierarchy.folder, `${PREFIX}${process.pid}-probe`)
  return (
    attempt(() => {
      mkdirSync(folder)
      rmdirSync(folder)
      return true
    }) ?? false
  )
}

function sweep(folder: string): void {
  for (const name of attempt(() => readdirSync(folder)) ?? []) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid && !existsSync(`/proc/${pid}`)) attempt(() => rmdirSync(join(folder, name)))
  }
}

function openGroup(hierarchies: readonly Hierarchy[], maxProcesses: number | undefined): ControlGroup | undefined {
  const name = `${PREFIX}${process.pid}-${++counter}`
  const groups = hierarchies.map((each) => ({ ...each, folder: join(each.folder, name) }))
  const close = async (): Promise<void> => {
    for (const group of groups)
      for (let turn = 0; turn < 50 && existsSync(group.folder); turn++) {
        if (attempt(() => (rmdirSync(group.folder), true))) break
        await delay(10) // the kernel is still burying the last process
      }
  }
  try {
    for (const group of groups) mkdirSync(group.folder)
  } catch {
    void close()
    return undefined
  }
  // The watchdog of the launcher decides at `maxProcesses`; this is the wall behind it.
  if (maxProcesses !== undefined)
    for (const group of groups)
      attempt(
        () => existsSync(join(group.folder, 'pids.max')) && writeFileSync(join(group.folder, 'pids.max'), String(2 * maxProcesses + 16)),
      )
  return {
    join: groups.map((group) => join(group.folder, 'cgroup.procs')),
    cpuMs() {
      const accounting = groups.find((group) => group.role === 'cpuacct')
      if (accounting) return (attempt(() => Number(readFileSync(join(accounting.folder, 'cpuacct.usage'), 'utf8'))) ?? NaN) / 1e6 || null
      const unified = groups.find((group) => group.role === 'unified')
      const text = unified && attempt(() => readFileSync(join(unified.folder, 'cpu.stat'), 'utf8'))
      const used = text && /usage_usec (\d+)/.exec(text)?.[1]
      return used ? Number(used) / 1000 : null
    },
    close,
  }
}

function attempt<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch {
    return undefined
  }
}
