import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, SingularityError } from '../../../kernel/index.ts'
import { type Database, type Synchronous, insist, isBusy, openDatabase } from '../../../storage/index.ts'
import { QUEUE_APPLICATION_ID, QUEUE_MIGRATIONS } from './migrations.ts'

/** The library waits with the whole thread, so it waits for a moment only; then others may work. */
const BUSY_MS = 25
const GIVE_UP_MS = 15_000
const LONGEST_PAUSE_MS = 25
/** 16 MB: every job is written three times, and its pages are copied to the file once instead. */
const CHECKPOINT_PAGES = 4000
const BALLAST_BYTES = 1024 * 1024
const FREE_FLOOR_BYTES = 32 * 1024 * 1024
const FREE_LOOK_MS = 1000

/**
 * What has to survive a power cut, and what may be lost with the last moments before one: heartbeats, claims of unpaid work, upkeep.
 * One connection serves both: with two, each would forget the pages it has read whenever the other had committed.
 */
export type Durability = 'lasting' | 'light'

export type Connection = {
  readonly path: string
  db: Database
  /** Runs a body again while another process holds the file, waiting without the thread. @throws STATE_UNUSABLE after 15 s */
  patiently<T>(body: () => T): Promise<T>
  /** The same in one write transaction; a full disk gets the ballast back once. */
  write<T>(body: () => T, durability?: Durability): Promise<T>
  /** @throws DISK_FULL below the free-space floor */
  demandSpace(): void
  /** Whether the file is still the one that was opened, and of our version. */
  health(): 'ok' | 'newer' | 'gone'
  close(): void
}

export type ConnectionOptions = {
  path: string
  clock: Clock
  /** 'per-operation' where left out; the same for everything is for measuring only. */
  durability?: 'per-operation' | 'normal' | 'full'
  freeSpaceFloorBytes?: number
  /** Free bytes of the file system of a folder. */
  freeBytes?: (folder: string) => number
}

const LEVELS: Readonly<Record<'per-operation' | 'normal' | 'full', Readonly<Record<Durability, Synchronous>>>> = {
  'per-operation': { lasting: 'FULL', light: 'NORMAL' },
  normal: { lasting: 'NORMAL', light: 'NORMAL' },
  full: { lasting: 'FULL', light: 'FULL' },
}

/** @throws STATE_NEWER, STATE_UNUSABLE, DISK_FULL, READ_ONLY */
export function openConnection(options: ConnectionOptions): Connection {
  const { path, clock } = options
  const folder = dirname(path)
  const ballast = `${path}.ballast`
  const floor = options.freeSpaceFloorBytes ?? FREE_FLOOR_BYTES
  const freeBytes = options.freeBytes ?? spaceOf
  const db = openDatabase({
    path,
    applicationId: QUEUE_APPLICATION_ID,
    migrations: QUEUE_MIGRATIONS,
    busyTimeoutMs: BUSY_MS,
    checkpointPages: CHECKPOINT_PAGES,
  })
  const levels = LEVELS[options.durability ?? 'per-operation']
  let closed = false
  let lookedAt = Number.NEGATIVE_INFINITY
  let free = 0
  if (!existsSync(ballast) && freeBytes(folder) > floor) fill(ballast)

  async function patiently<T>(body: () => T): Promise<T> {
    const start = clock.monotonic()
    for (let pause = 0.5; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      if (closed) throw new SingularityError('STATE_CONFLICT', 'The queue is closed.')
      try {
        return body()
      } catch (error) {
        if (!isBusy(error) || clock.monotonic() - start > GIVE_UP_MS) throw error
        await delay(pause * (0.5 + Math.random()))
      }
    }
  }

  return {
    path,
    db,
    patiently,
    async write(body, durability = 'lasting') {
      const commit = () => {
        db.setSynchronous(levels[durability])
        return db.transaction(body)
      }
      try {
        return await patiently(commit)
      } catch (error) {
        if (!isFull(error) || !existsSync(ballast)) throw error
        rmSync(ballast, { force: true })
        return await patiently(commit)
      }
    },
    demandSpace() {
      const now = clock.monotonic()
      if (now - lookedAt > FREE_LOOK_MS) {
        free = freeBytes(folder)
        lookedAt = now
      }
      if (free < floor)
        throw new SingularityError(
          'DISK_FULL',
          `Less than ${Math.ceil(floor / 2 ** 20)} MiB are free for ${path}: nothing new is queued.`,
          {
            hints: [`df -h '${folder}'`, 'singularity queue prune'],
          },
        )
    },
    health() {
      if (!existsSync(path)) return 'gone'
      const version = insist(() => db.get<{ user_version: number }>('PRAGMA user_version')!.user_version)
      return version > QUEUE_MIGRATIONS.length ? 'newer' : 'ok'
    },
    close() {
      closed = true
      db.close()
    },
  }
}

function isFull(error: unknown): boolean {
  return SingularityError.isInstance(error) && error.code === 'DISK_FULL'
}

function spaceOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Real blocks, not a hole. Who cannot write it does without. */
function fill(path: string): void {
  try {
    writeFileSync(path, new Uint8Array(BALLAST_BYTES).fill(1), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') rmSync(path, { force: true })
  }
}
