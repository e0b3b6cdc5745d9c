import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, SingularityError } from '../../../kernel/index.ts'
import {
  type BallastOptions,
  type Database,
  type JournalOptions,
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

export type Connections = {
  readonly path: string
  /** What has to survive a power cut. */
  full: Database
  /** What may be lost with the last moments before one: heartbeats, claims of unpaid work. Also for reading. */
  normal: Database
  /** Runs a body again while another process holds the file, waiting without the thread. @throws STATE_UNUSABLE after 15 s */
  patiently<T>(body: () => T): Promise<T>
  /** The same in one write transaction; a full disk gets the ballast back once. */
  write<T>(database: Database, body: () => T): Promise<T>
  /** @throws DISK_FULL below the free-space floor */
  demandSpace(): void
  /** Whether the file is still the one that was opened, and of our version. */
  health(): 'ok' | 'newer' | 'gone'
  close(): void
}

export type ConnectionOptions = Pick<JournalOptions, 'path' | 'onWarning' | 'fileSystem'> &
  Omit<BallastOptions, 'path' | 'clock'> & {
    clock: Clock
    /** 'per-operation' where left out; the same on both connections is for measuring only. */
    durability?: 'per-operation' | 'normal' | 'full'
  }

/** @throws STATE_NEWER, STATE_UNUSABLE, DISK_FULL, READ_ONLY */
export function openConnections(options: ConnectionOptions): Connections {
  const { path, clock } = options
  const common = {
    path,
    applicationId: QUEUE_APPLICATION_ID,
    migrations: QUEUE_MIGRATIONS,
    busyTimeoutMs: BUSY_MS,
    checkpointPages: CHECKPOINT_PAGES,
    ...(options.fileSystem && { fileSystem: options.fileSystem }),
  }
  const full = openDatabase({
    ...common,
    synchronous: options.durability === 'normal' ? 'NORMAL' : 'FULL',
    backups: { clock },
    ...(options.onWarning && { onWarning: options.onWarning }),
  })
  const normal = openDatabase({ ...common, synchronous: options.durability === 'full' ? 'FULL' : 'NORMAL' })
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
    full,
    normal,
    patiently,
    async write(database, body) {
      try {
        return await patiently(() => database.transaction(body))
      } catch (error) {
        if (!isFull(error) || !ballast.release()) throw error
        return await patiently(() => database.transaction(body))
      }
    },
    demandSpace: () => ballast.demandSpace('nothing new is queued'),
    health() {
      // mended or restored meanwhile: what we have open is the old one, which nobody else sees
      if (statSync(path, { throwIfNoEntry: false })?.ino !== opened) return 'gone'
      const version = insist(() => normal.get<{ user_version: number }>('PRAGMA user_version')!.user_version)
      return version > QUEUE_MIGRATIONS.length ? 'newer' : 'ok'
    },
    close() {
      closed = true
      normal.close()
      full.close()
    },
  }
}
