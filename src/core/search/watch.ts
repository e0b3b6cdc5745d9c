import { type FSWatcher, existsSync, readdirSync, statSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SingularityError, messageOf } from '../kernel/index.ts'
import type { IndexAnswer, IndexOptions } from './indexing.ts'

export type Refresh = IndexAnswer & {
  /** `events`: the system tells of changes; `polling`: git is asked every two seconds. */
  mode: 'events' | 'polling'
}

export type WatchOptions = Pick<IndexOptions, 'full' | 'include' | 'onProgress' | 'onWait'> & {
  signal: AbortSignal
  /** After the first time, and after each that changed something. */
  onRefresh: (refresh: Refresh) => void
  /** Something went on differently than asked: told once per cause. */
  onNote: (text: string) => void
  /** Watches a folder; throws where the system allows no more. For tests. */
  watchFolder?: typeof watch
}

export type WatchDeps = {
  root: string
  index: (options: IndexOptions) => Promise<IndexAnswer>
  /** Which of these repo-relative paths git ignores. */
  ignored: (paths: readonly string[]) => Promise<ReadonlySet<string>>
}

/** Quiet time before git is asked: a save, a formatter and a switch of branches are one change each. At most 2.5 refreshes a second. */
const QUIET_MS = 400
/** Where it never gets quiet. */
const LONGEST_QUIET_MS = 2000
const POLL_MS = 2000
/** Events can be lost, and rules of what is ignored can change outside: looked at all the same. */
const SAFETY_MS = 60_000
/** Failures in a row after which it is no passing trouble. */
const MOST_FAILURES = 5
/** New folders of one refresh that are looked into. */
const MOST_FOLDERS = 2000
const NO_ROOM = new Set(['ENOSPC', 'EMFILE', 'ENFILE'])

/** Keeps an index up to date. Events are only hints: git says what changed, so that none of them has to be right or complete. */
export async function watchIndex({ root, index, ignored }: WatchDeps, options: WatchOptions): Promise<void> {
  const { signal, onRefresh, onNote } = options
  const folders = createFolders(root, { ...options, onHint: (path) => hints.give(path) })
  const hints = createHints()
  const told = new Set<string>()
  const note = (text: string): void => void (told.has(text) || (told.add(text), onNote(text)))
  try {
    for (let [first, failures] = [true, 0]; !signal.aborted;) {
      if (!existsSync(root)) throw new SingularityError('NOT_FOUND', `The folder ${root} is gone.`)
      let paths: string[] = []
      try {
        const { full, include, onProgress, onWait } = options
        const once = first ? { ...(full === true && { full }), ...(include && { include }) } : {}
        const more = { ...(onProgress && { onProgress }), ...(onWait && { onWait }) }
        const answer = await index({ ...once, ...more, signal, onListing: (listed) => (paths = [...listed]) })
        failures = 0
        const added = folders.follow([...new Set(paths.map(dirname)), ...(await newFolders(root, hints.take(), ignored))])
        if (added > 0 && !first) hints.give(null) // what came into a folder before it was watched
        if (first || answer.state !== 'unchanged') onRefresh({ ...answer, mode: folders.mode() })
        if (folders.mode() === 'polling') note('The system allows no more watches (fs.inotify.max_user_watches): git is asked every 2 s.')
        first = false
      } catch (error) {
        if (signal.aborted) return
        const passing = SingularityError.isInstance(error) && error.code !== 'STATE_NEWER' && ++failures < MOST_FAILURES
        if (!passing && existsSync(root)) throw error
        note(`${messageOf(error)} It is tried again.`)
        hints.give(null)
      }
      await hints.quiet(folders.mode() === 'polling' ? POLL_MS : SAFETY_MS, signal)
    }
  } finally {
    folders.close()
  }
}

/** Collects hints; `quiet` waits for one, and then until no more come. */
function createHints() {
  const changed = new Set<string>()
  let hinted = false
  let wake = (): void => undefined
  return {
    give(path: string | null): void {
      hinted = true
      if (path !== null) changed.add(path)
      wake()
    },
    take(): string[] {
      const paths = [...changed]
      changed.clear()
      return paths
    },
    async quiet(longest: number, signal: AbortSignal): Promise<void> {
      const pause = async (ms: number): Promise<void> => {
        const stop = new AbortController()
        const woken = new Promise<void>((resolve) => (wake = resolve))
        const stopped = AbortSignal.any([stop.signal, signal])
        await Promise.race([woken, delay(ms, undefined, { signal: stopped }).catch(() => undefined)])
        stop.abort()
      }
      if (!hinted) await pause(longest)
      for (let waited = 0; hinted && waited < LONGEST_QUIET_MS && !signal.aborted; waited += QUIET_MS) {
        hinted = false
        await delay(QUIET_MS, undefined, { signal }).catch(() => undefined)
      }
      hinted = false
    },
  }
}

/** Folders among what changed, and those below: an empty one is in no listing of git, but may be filled. */
async function newFolders(root: string, changed: readonly string[], ignored: WatchDeps['ignored']): Promise<string[]> {
  const found: string[] = []
  const look = [...changed]
  for (let path = look.pop(); path !== undefined && found.length < MOST_FOLDERS; path = look.pop()) {
    if (path === '.git' || path.endsWith('/.git')) continue
    try {
      const entries = readdirSync(join(root, path), { withFileTypes: true })
      found.push(path)
      if (/(?:^|\/)node_modules$/.test(path)) continue
      look.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${path}/${name}`))
    } catch {
      // a file, or gone again
    }
  }
  const out = await ignored(found)
  return found.filter((path) => !out.has(path))
}

type FolderDeps = Pick<WatchOptions, 'watchFolder'> & { onHint: (path: string | null) => void }

/** One watch per folder that holds files git knows of: a recursive one would follow what is ignored, too. */
function createFolders(root: string, { watchFolder = watch, onHint }: FolderDeps) {
  const watched = new Map<string, { inode: number; watcher: FSWatcher }>()
  let polling = false

  function close(): void {
    for (const { watcher } of watched.values()) watcher.close()
    watched.clear()
  }

  function fail(folder: string, error: unknown): void {
    if (NO_ROOM.has((error as { code?: string }).code ?? '')) {
      polling = true
      close()
    } else {
      watched.get(folder)?.watcher.close()
      watched.delete(folder)
    }
  }

  function add(folder: string, inode: number): void {
    try {
      const watcher = watchFolder(join(root, folder), (_event, name) => {
        if (name === null) onHint(null)
        else if (name !== '.git') onHint(folder === '.' ? name : `${folder}/${name}`)
      })
      watcher.on('error', (error) => (fail(folder, error), onHint(null)))
      watched.set(folder, { inode, watcher })
    } catch (error) {
      fail(folder, error)
    }
  }

  /** Watches these from now on and no others; answers how many are new. A folder that was made anew is another one. */
  function follow(folders: readonly string[]): number {
    const wanted = new Set(['.', ...folders])
    for (const [folder, { watcher }] of watched)
      if (!wanted.has(folder) && !existsSync(join(root, folder))) {
        watcher.close()
        watched.delete(folder)
      }
    let added = 0
    for (const folder of wanted) {
      if (polling) return 0
      const inode = statSync(join(root, folder), { throwIfNoEntry: false })?.ino
      const known = watched.get(folder)
      if (inode === undefined || known?.inode === inode) continue
      known?.watcher.close()
      add(folder, inode)
      added++
    }
    return added
  }

  return { follow, close, mode: (): Refresh['mode'] => (polling ? 'polling' : 'events') }
}
