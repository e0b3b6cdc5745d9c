import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, SingularityError } from '../kernel/index.ts'
import { nearest } from './file-system.ts'

const BALLAST_BYTES = 1024 * 1024
const FREE_FLOOR_BYTES = 32 * 1024 * 1024
const FREE_LOOK_MS = 1000

export type BallastOptions = {
  /** Of the database; the ballast lies beside it. */
  path: string
  clock: Clock
  /** 32 MiB. */
  floorBytes?: number
  /** Free bytes of the file system of a folder. */
  freeBytes?: (folder: string) => number
}

/** Room that is held back, so that what has begun can be written down on a disk that has become full. */
export type Ballast = {
  /** Nothing new is begun below the floor; looked at once a second. @throws DISK_FULL saying what is not done */
  demandSpace(consequence: string): void
  /** Gives the room back; false where there was none any more. */
  release(): boolean
}

/** Fills the ballast where there is room enough. Who cannot write it does without. */
export function createBallast({ path, clock, floorBytes: floor = FREE_FLOOR_BYTES, freeBytes = spaceOf }: BallastOptions): Ballast {
  const folder = dirname(path)
  const file = `${path}.ballast`
  let lookedAt = Number.NEGATIVE_INFINITY
  let free = 0
  if (!existsSync(file) && freeBytes(folder) > floor) fill(file)
  return {
    demandSpace(consequence) {
      const now = clock.monotonic()
      if (now - lookedAt > FREE_LOOK_MS) {
        free = freeBytes(folder)
        lookedAt = now
      }
      if (free < floor)
        throw new SingularityError('DISK_FULL', `Less than ${Math.ceil(floor / 2 ** 20)} MiB are free for ${path}: ${consequence}.`, {
          hints: [`df -h '${folder}'`, 'singularity queue prune'],
        })
    },
    release() {
      if (!existsSync(file)) return false
      rmSync(file, { force: true })
      return true
    },
  }
}

export function isFull(error: unknown): boolean {
  return SingularityError.isInstance(error) && error.code === 'DISK_FULL'
}

function spaceOf(folder: string): number {
  const { bavail, bsize } = statfsSync(nearest(folder))
  return bavail * bsize
}

/** Real blocks, not a hole. */
function fill(path: string): void {
  try {
    writeFileSync(path, new Uint8Array(BALLAST_BYTES).fill(1), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') rmSync(path, { force: true })
  }
}
