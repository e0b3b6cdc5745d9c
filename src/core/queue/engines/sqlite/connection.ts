import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, SingularityError } from '../../../kernel/index.ts'
import {
  type BallastOptions,
  type Database,
  type JournalOptions,
  type Synchronous,
  createBallast,
  insist,
  isBusy,
  isFull,
  openDatabase,
} from '../../../storage/index.ts'
import { QUEUE_APPLICATION_ID, QUEUE_MIGRATIONS } from './migrations.ts'

/** The library waits with the whole thread, so it waits for a moment only; then others may work. */
const BUSY_MS = 25
const GIVE_UP_MS = 15_000
const LONGEST_PAUSE_MS = 25
/** 16 MB: every job is written three times, and its pages are copied to the file once instead. */
const CHECKPOINT_PAGES = 4000

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

export type ConnectionOptions = Pick<JournalOptions, 'path' | 'onWarning' | 'fileSystem'> &
  Omit<BallastOptions, 'path' | 'clock'> & {
    clock: Clock
    /** 'per-operation' where left out; the same for everything is for measuring only. */
    durability?: 'per-operation' | 'normal' | 'full'
  }

const LEVELS: Readonly<Record<'per-operation' | 'normal' | 'full', Readonly<Record<Durability, Synchronous>>>> = {
  'per-operation': { lasting: 'FULL', light: 'NORMAL' },
  normal: { lasting: 'NORMAL', light: 'NORMAL' },
  full: { lasting: 'FULL', light: 'FULL' },
}

/** @throws STATE_NEWER, STATE_UNUSABLE, DISK_FULL, READ_ONLY */
export function openConnection(options: ConnectionOptions): Connection {
  const { path, clock } = options
  const db = openDatabase({
    path,
    applicationId: QUEUE_APPLICATION_ID,
    migrations: QUEUE_MIGRATIONS,
    busyTimeoutMs: BUSY_MS,
    checkpointPages: CHECKPOINT_PAGES,
    backups: { clock },
    ...(options.fileSystem && { fileSystem: options.fileSystem }),
    ...(options.onWarning && { onWarning: options.onWarning }),
  })
  const levels = LEVELS[options.durability ?? 'per-operation']
  const ballast = createBallast(options)
  const opened = statSync(path).ino
  let closed = false

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
        if (!isFull(error) || !ballast.release()) throw error
        return await patiently(commit)
      }
    },
    demandSpace: () => ballast.demandSpace('nothing new is queued'),
    health() {
      // mended or restored meanwhile: what we have open is the old one, which nobody else sees
      if (statSync(path, { throwIfNoEntry: false })?.ino !== opened) return 'gone'
      const version = insist(() => db.get<{ user_version: number }>('PRAGMA user_version')!.user_version)
      return version > QUEUE_MIGRATIONS.length ? 'newer' : 'ok'
    },
    close() {
      closed = true
      db.close()
    },
  }
}
