import { lstat, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes on disk below a folder, links not followed; what disappears meanwhile counts nothing. */
export async function treeBytes(path: string): Promise<number> {
  let total = 0
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const each = join(folder, entry.name)
      if (entry.isDirectory()) await walk(each)
      else total += (await lstat(each).catch(() => undefined))?.blocks ?? 0
    }
  }
  await walk(path)
  return total * 512
}

/** Bytes that may still be written where this folder lies. */
export async function freeBytes(path: string): Promise<number> {
  return statfs(path).then(
    (stat) => stat.bavail * stat.bsize,
    () => Infinity,
  )
}

export type Watchdog = { stop(): void; exceeded(): boolean }

/**
 * Calls `onExceeded` when the folder holds more than `maxBytes`, or the disk has less than `minFreeBytes` left. A look at
 * the whole tree costs time: it takes at most a twentieth of it.
 */
export function watchDisk(path: string, options: { maxBytes: number; minFreeBytes: number; onExceeded: () => void }): Watchdog {
  let stopped = false
  let exceeded = false
  let timer: NodeJS.Timeout
  let nextLook = performance.now() + 1000
  const look = async (): Promise<void> => {
    let full = (await freeBytes(path)) < options.minFreeBytes
    if (!full && performance.now() >= nextLook) {
      const started = performance.now()
      full = (await treeBytes(path)) > options.maxBytes
      const ended = performance.now()
      nextLook = ended + Math.max(1000, 20 * (ended - started))
    }
    if (stopped) return
    if (full) {
      exceeded = true
      options.onExceeded()
    } else timer = setTimeout(() => void look(), 200)
  }
  timer = setTimeout(() => void look(), 200)
  return {
    exceeded: () => exceeded,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
