import { type FSWatcher, closeSync, constants, fstatSync, openSync, statSync, watch, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '../kernel/index.ts'

export type BellOptions = {
  /** How often the fallback looks at the version of the data while things happen; 250 ms. In silence the bell is trusted for longer. */
  tickMs?: number
  /** How long a ring of our own may take to be heard before the bell counts as deaf; 50 ms. */
  testMs?: number
}

export type Bell = {
  /** After a commit. Never throws: a lost ring costs one tick of the fallback. */
  ring(): void
  /** Armed when this returns; `onWake` may come twice or for nothing. Where the bell is deaf it comes every `deafMs`. */
  listen(onWake: () => void, deafMs: number): () => void
  /** undefined: nobody listens, or the self-test is not over. */
  readonly deaf: boolean | undefined
  close(): void
}

type Listener = { wake: () => void; deafMs: number; wokenAt: number }

/**
 * A file that is written to after a commit and watched by whoever waits (inotify: half a millisecond). It carries nothing. What it
 * does not tell is found by `version` (PRAGMA data_version): a number that changes when another connection has committed.
 */
export function createBell(path: string, version: () => number, options: BellOptions = {}): Bell {
  const listeners = new Set<Listener>()
  const rope = createRope(path)
  let ear: Ear | undefined

  function wakeAll(): void {
    const now = performance.now()
    for (const listener of listeners) {
      listener.wokenAt = now
      listener.wake()
    }
  }

  function wakeOverdue(): void {
    const now = performance.now()
    for (const listener of listeners) {
      if (now - listener.wokenAt < listener.deafMs) continue
      listener.wokenAt = now
      listener.wake()
    }
  }

  return {
    ring() {
      // those in this process need not wait for the file system
      if (listeners.size > 0) setImmediate(wakeAll)
      try {
        rope.pull()
      } catch {
        // the fallback of the others finds what was committed
      }
    },
    listen(onWake, deafMs) {
      const listener: Listener = { wake: onWake, deafMs, wokenAt: performance.now() }
      listeners.add(listener)
      ear ??= createEar(path, rope.pull, version, {
        testMs: 50,
        tickMs: 250,
        ...options,
        wakeAll,
        wakeOverdue,
        deafMs: () => Math.min(...[...listeners].map((one) => one.deafMs)),
      })
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        ear?.close()
        ear = undefined
      }
    },
    get deaf() {
      return ear?.deaf()
    },
    close() {
      listeners.clear()
      ear?.close()
      ear = undefined
      rope.close()
    },
  }
}

/** Never emptied: ext4 flushes a file that is emptied and written again when it is closed, which takes a hundred times as long. */
const RING = constants.O_WRONLY | constants.O_CREAT
const STROKE = new Uint8Array([46])

/** Writes one byte. The file stays open from the first ring on: opening and closing it costs three times the byte. */
function createRope(path: string): { pull(): void; close(): void } {
  let file: number | undefined

  function close(): void {
    if (file !== undefined) closeSync(file)
    file = undefined
  }

  function open(): number {
    try {
      return openSync(path, RING, 0o600)
    } catch {
      makeFolder(dirname(path))
      return openSync(path, RING, 0o600)
    }
  }

  return {
    pull() {
      // a file that was removed has no listeners any more
      if (file !== undefined && fstatSync(file).nlink === 0) close()
      writeSync((file ??= open()), STROKE, 0, 1, 0)
    },
    close,
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}

type Ear = { deaf(): boolean | undefined; close(): void }
type EarOptions = {
  tickMs: number
  testMs: number
  deafMs: () => number
  wakeAll: () => void
  wakeOverdue: () => void
}

/** In silence a heard bell is checked this often: whoever does nothing must cost nothing. */
const LONGEST_TICK_MS = 2000

/** One watch with its self-test, its fallback and its re-arming. Its timers keep no process alive. */
function createEar(path: string, ring: () => void, version: () => number, options: EarOptions): Ear {
  let watcher: FSWatcher | undefined
  let inode: number | undefined
  let heard = false
  let deaf: boolean | undefined
  let seen = safely(version)
  let testing: NodeJS.Timeout | undefined
  let timer: NodeJS.Timeout | undefined
  let pause = options.tickMs

  function arm(): void {
    watcher?.close()
    clearTimeout(testing)
    heard = false
    try {
      ring()
      inode = inodeOf(path)
      watcher = watch(path, { persistent: false }, () => {
        heard = true
        deaf = false
        pause = options.tickMs
        options.wakeAll()
      })
      watcher.on('error', () => (deaf = true))
      ring()
    } catch {
      // no watches left, or no such file system
      deaf = true
      return
    }
    testing = setTimeout(() => {
      deaf = !heard
      if (deaf) schedule()
    }, options.testMs).unref()
  }

  function schedule(): void {
    clearTimeout(timer)
    timer = setTimeout(tick, deaf === true ? Math.min(options.deafMs(), options.tickMs) : pause).unref()
  }

  function tick(): void {
    if (inodeOf(path) !== inode) arm()
    const now = safely(version)
    pause = now === seen ? Math.min(pause * 2, Math.max(LONGEST_TICK_MS, options.tickMs)) : options.tickMs
    if (now !== seen) options.wakeAll()
    else if (deaf === true) options.wakeOverdue()
    seen = now
    schedule()
  }

  arm()
  schedule()
  return {
    deaf: () => deaf,
    close() {
      clearTimeout(timer)
      clearTimeout(testing)
      watcher?.close()
    },
  }
}

/** What cannot be read now counts as nothing new; who works with the file will tell. */
function safely(version: () => number): number {
  try {
    return version()
  } catch {
    return -1
  }
}
