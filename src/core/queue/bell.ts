import { type FSWatcher, closeSync, mkdirSync, openSync, statSync, watch, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export type BellIntervals = {
  /** How often the fallback looks at the version of the data where the bell is heard; 250 ms. */
  tickMs: number
  /** How long a ring of our own may take to be heard before the bell counts as deaf; 50 ms. */
  testMs: number
  /** Where it is deaf, listeners are woken this often. */
  deafMs: number
}

export type Bell = {
  /** After a commit. Never throws: a lost ring costs one tick of the fallback. */
  ring(): void
  /** Armed when this returns; `onWake` may come twice or for nothing. */
  listen(onWake: () => void, intervals: BellIntervals): () => void
  close(): void
}

/**
 * A file that is written to after a commit and watched by whoever waits (inotify: half a millisecond). It carries nothing. What it
 * does not tell is found by `version` (PRAGMA data_version): a number that changes when another connection has committed.
 */
export function createBell(path: string, version: () => number): Bell {
  const listeners = new Set<() => void>()

  function ring(): void {
    for (const wake of listeners) setImmediate(wake)
    try {
      ringFile(path)
    } catch {
      // the fallback of the others finds what was committed
    }
  }

  return {
    ring,
    listen(onWake, intervals) {
      const ear = createEar(path, onWake, version, intervals)
      listeners.add(onWake)
      return () => {
        listeners.delete(onWake)
        ear.close()
      }
    },
    close: () => listeners.clear(),
  }
}

function ringFile(path: string): void {
  let file: number
  try {
    file = openSync(path, 'w', 0o600)
  } catch {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    file = openSync(path, 'w', 0o600)
  }
  try {
    writeSync(file, '.')
  } finally {
    closeSync(file)
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

/** One watch with its self-test, its fallback and its re-arming. Its timers keep no process alive. */
function createEar(path: string, onWake: () => void, version: () => number, intervals: BellIntervals): { close(): void } {
  let watcher: FSWatcher | undefined
  let inode: number | undefined
  let heard = false
  let deaf = false
  let closed = false
  let seen = safeVersion()
  let lastWake = performance.now()
  let testing: NodeJS.Timeout | undefined

  function safeVersion(): number {
    try {
      return version()
    } catch {
      return -1
    }
  }

  function wake(): void {
    lastWake = performance.now()
    onWake()
  }

  function arm(): void {
    watcher?.close()
    heard = false
    try {
      ringFile(path)
      inode = inodeOf(path)
      watcher = watch(path, { persistent: false }, () => {
        heard = true
        deaf = false
        wake()
      })
      watcher.on('error', () => {
        deaf = true
      })
      ringFile(path)
    } catch {
      deaf = true
      return
    }
    clearTimeout(testing)
    testing = setTimeout(() => {
      deaf = !heard
      if (deaf) schedule()
    }, intervals.testMs)
    testing.unref()
  }

  let timer: NodeJS.Timeout | undefined
  function schedule(): void {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(tick, deaf ? Math.min(intervals.deafMs, intervals.tickMs) : intervals.tickMs)
    timer.unref()
  }

  function tick(): void {
    if (inodeOf(path) !== inode) arm()
    const now = safeVersion()
    const changed = now !== seen
    seen = now
    if (changed || (deaf && performance.now() - lastWake >= intervals.deafMs)) wake()
    schedule()
  }

  arm()
  schedule()
  return {
    close() {
      closed = true
      clearTimeout(timer)
      clearTimeout(testing)
      watcher?.close()
    },
  }
}
