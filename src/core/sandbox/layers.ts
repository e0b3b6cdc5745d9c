import { existsSync, readdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, makeFolder } from '../kernel/index.ts'
import type { Mount } from './isolation.ts'
import { emptyFolder } from './worktree.ts'
import { moveToTrash, type Places } from './places.ts'

const KEPT_BASES = 4

/** Build caches: one layer per base commit, warmed once by a baseline run, from then on only a lower folder. */
export type Layers = {
  /** The folder of a layer, made empty if it is not there. */
  folder(base: string, name: string): string
  /**
   * The mounts of a run. For the run that warms, the layers not yet warm are written directly, beside their place;
   * `done` puts them there, at once and as a whole.
   */
  mountsFor(mounts: readonly Mount[], warm: boolean): { mounts: readonly Mount[]; done: (succeeded: boolean) => void }
  /** Old bases go. Answers what was moved to the trash. */
  prune(): string[]
}

export function createLayers(places: Places): Layers {
  const warming = new Set<string>()
  const isLayer = (mount: Mount): boolean => mount.mode === 'overlay' && mount.from.startsWith(`${places.layers}/`)
  const isWarm = (path: string): boolean => existsSync(`${path}.warm`)
  return {
    folder(base, name) {
      const path = join(places.layers, base, name)
      makeFolder(path)
      const now = systemClock.now() / 1000
      utimesSync(join(places.layers, base), now, now) // in use: the last to be pruned
      return path
    },
    mountsFor(mounts, warm) {
      const cold = warm ? mounts.filter((mount) => isLayer(mount) && !isWarm(mount.from) && !warming.has(mount.from)) : []
      for (const mount of cold) {
        warming.add(mount.from)
        emptyFolder(staging(mount.from))
      }
      return {
        mounts: mounts.map((mount) => (cold.includes(mount) ? { ...mount, from: staging(mount.from), mode: 'rw' } : mount)),
        done(succeeded) {
          for (const { from } of cold) {
            warming.delete(from)
            if (!succeeded || isWarm(from)) continue
            try {
              renameSync(staging(from), from) // over the empty folder; another process that was first wins
              writeFileSync(`${from}.warm`, '')
            } catch {
              moveToTrash(places, staging(from))
            }
          }
        },
      }
    },
    prune() {
      const bases = readdirSync(places.layers).map((name) => join(places.layers, name))
      const byAge = bases.map((path) => ({ path, at: statSync(path).mtimeMs })).sort((a, b) => b.at - a.at)
      return byAge.slice(KEPT_BASES).flatMap(({ path }) => moveToTrash(places, path) ?? [])
    },
  }
}

function staging(path: string): string {
  return `${path}.warming-${process.pid}`
}
