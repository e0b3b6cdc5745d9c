import { copyFileSync, cpSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Git } from '../git/index.ts'
import { SingularityError, sha256 } from '../kernel/index.ts'
import { collectChanges } from './changes.ts'
import type { Turnstile } from './exclusive.ts'
import type { Isolation, JailLimits, JailRequest, JailResult, Mount } from './isolation.ts'
import { copyTree } from './isolations/overlays.ts'
import type { Layers } from './layers.ts'
import { freeBytes, treeBytes, watchDisk } from './quota.ts'
import { isPlainPath, readUntrusted } from './safe-read.ts'
import type { JailProfile, Sandbox, SandboxCommand, SandboxPurpose } from './sandbox.ts'
import { withServices } from './services.ts'
import { type SyntheticRepository, makeRepository, stageTree } from './synthetic.ts'
import { checkOut, commitId, diskError, emptyFolder, removeUntracked, setHead, trackedPaths } from './worktree.ts'

export type SandboxLimits = Required<Pick<JailLimits, 'maxProcesses' | 'maxMemoryBytes' | 'maxFileBytes' | 'maxOutputBytes'>> & {
  /** Bytes a sandbox may hold on disk. */
  maxDiskBytes: number
  /** Bytes that must stay free on its disk. */
  minFreeBytes: number
}

export const DEFAULT_LIMITS: SandboxLimits = {
  maxProcesses: 1024,
  maxMemoryBytes: 8 * 1024 ** 3,
  maxFileBytes: 2 * 1024 ** 3,
  maxOutputBytes: 1024 ** 2,
  maxDiskBytes: 8 * 1024 ** 3,
  minFreeBytes: 256 * 1024 ** 2,
}

export type HandleDeps = {
  git: Git
  isolation: Isolation
  layers: Layers
  turnstile: Turnstile
  limits: SandboxLimits
  path: string
  discard: () => Promise<void>
}

export type HandlePlace = {
  id: string
  folder: string
  tree: string
  out: string
  scratch: string
  admin: string
  purpose: SandboxPurpose
  profile: JailProfile
}

const DEFAULT_REPORT_BYTES = 64 * 1024 * 1024

/** The sandbox over a registered worktree; `open` fills it with a commit. */
export async function openSandbox(place: HandlePlace, commit: string, deps: HandleDeps): Promise<Sandbox> {
  const { git, isolation } = deps
  const { root } = git.repository
  const { profile, tree } = place
  const jailed = isolation.kind === 'bubblewrap'
  const where = { path: tree, admin: place.admin, exactBytes: place.purpose === 'edit' }
  const inside = profile.mounts.filter((mount) => mount.to.startsWith(`${root}/`))
  const skip = new Set([...inside.map((mount) => relative(root, mount.to)), ...profile.include])
  let current = commit
  let discarded = false
  /** Files that differ from their blob right after the check-out (filters, line ends): no change of the edit phase. */
  let converted = new Map<string, string>()

  const fill = async (): Promise<void> => {
    try {
      if (profile.git === 'staged') await stage()
      else await checkOut(git, where, current)
      copyIncluded(root, tree, profile.include)
      if (!jailed) await copyDependencies(inside, root, tree, deps.path)
      if (profile.git === 'synthetic') await makeRepository(repository())
      if (place.purpose === 'edit')
        converted = new Map((await collectChanges(git, where, current, skip)).map((each) => [each.path, fingerprint(each.content)]))
    } catch (error) {
      throw diskError(error, place.folder)
    }
  }

  /** Before ignored files are copied: a commit must not hold them. */
  const stage = async (): Promise<void> => {
    await checkOut(git, where, `${current}^`)
    await makeRepository(repository())
    await checkOut(git, where, current)
    await stageTree(repository())
  }

  const repository = (): SyntheticRepository => ({
    isolation,
    tree,
    root,
    mounts: baseMounts(),
    scratch: place.scratch,
    path: profile.path,
  })

  const baseMounts = (): Mount[] => [
    { from: tree, to: root, mode: 'rw' },
    { from: place.out, to: '/out', mode: 'rw' },
  ]

  const usable = (mount: Mount): boolean => {
    if (!mount.to.startsWith(`${root}/`)) return true
    if (!jailed) return false // there it is a copy
    const outer = inside.find((other) => mount.to.startsWith(`${other.to}/`))
    if (outer) return usable(outer)
    // never over a link: bubblewrap would make the mount point where the link leads to
    const path = relative(root, mount.to)
    return isPlainPath(tree, path) && !isLink(join(tree, path))
  }

  const run = async (command: SandboxCommand): Promise<JailResult> => {
    if (discarded) throw new SingularityError('INTERNAL', `Sandbox ${place.id} was discarded.`)
    const layered = deps.layers.mountsFor(profile.mounts, place.purpose === 'baseline' && !command.measuring)
    const stop = new AbortController()
    const signal = command.signal ? AbortSignal.any([command.signal, stop.signal]) : stop.signal
    const { limits } = deps
    const request: JailRequest = {
      command: withServices(profile.services, command.command),
      cwd: command.cwd ? join(root, command.cwd) : root,
      env: { PATH: profile.path, ...profile.env, ...command.env },
      mounts: [...baseMounts(), ...layered.mounts.filter(usable), ...(command.mounts ?? [])],
      network: command.network ?? 'none',
      scratch: place.scratch,
      limits: {
        timeoutMs: command.timeoutMs,
        maxProcesses: limits.maxProcesses,
        maxMemoryBytes: limits.maxMemoryBytes,
        maxFileBytes: limits.maxFileBytes,
        maxOutputBytes: command.maxOutputBytes ?? limits.maxOutputBytes,
      },
      lowPriority: command.measuring !== true,
      signal,
      ...(command.onOutput && { onOutput: command.onOutput }),
    }
    await demandRoom(place.folder, limits.minFreeBytes)
    const watchdog = watchDisk(place.folder, {
      maxBytes: limits.maxDiskBytes,
      minFreeBytes: limits.minFreeBytes,
      onExceeded: () => stop.abort(),
    })
    let finished = false
    try {
      const result = await isolation.run(request)
      finished = !result.cancelled && !result.timedOut && !result.outputLimited
      if (watchdog.exceeded()) await demandRoom(place.folder, limits.minFreeBytes)
      return watchdog.exceeded() ? { ...result, cancelled: false, limit: 'disk' } : result
    } catch (error) {
      throw diskError(error, place.folder)
    } finally {
      watchdog.stop()
      layered.done(finished)
    }
  }

  await fill()
  return {
    id: place.id,
    path: tree,
    out: place.out,
    get commit() {
      return current
    },
    root: jailed ? root : tree,
    async moveTo(next) {
      current = await commitId(git, next)
      await setHead(git, where, current)
      await checkOut(git, where, current)
      removeUntracked(tree, await trackedPaths(git, where), jailed ? new Set() : new Set(inside.map((mount) => relative(root, mount.to))))
      emptyFolder(place.scratch)
      await fill()
    },
    run: (command) => (command.measuring ? deps.turnstile.alone(() => run(command)) : deps.turnstile.shared(() => run(command))),
    async readOut(name, maxBytes = DEFAULT_REPORT_BYTES) {
      const found = readUntrusted(place.out, name, maxBytes)
      // without a jail the commands saw the tree at its own place: reports name the repository's, as in a jail
      if (jailed || !found?.includes(tree)) return found
      return Buffer.from(
        found.toString('latin1').replaceAll(Buffer.from(tree).toString('latin1'), Buffer.from(root).toString('latin1')),
        'latin1',
      )
    },
    async clearOut() {
      emptyFolder(place.out)
    },
    async collectChanges() {
      const changes = await collectChanges(git, where, current, skip)
      return changes.filter((change) => converted.get(change.path) !== fingerprint(change.content))
    },
    async discard() {
      if (discarded) return
      discarded = true
      await deps.discard()
    },
  }
}

function fingerprint(content: Uint8Array | null): string {
  return content === null ? '' : sha256(content)
}

function isLink(path: string): boolean {
  return existsSync(path) && lstatSync(path).isSymbolicLink()
}

const GIT_FOLDER = /(?:^|\/)\.git(?:\/|$)/i

/** Ignored files the person listed; a link is copied as a link, nothing tracked is overwritten, a `.git` stays outside. */
function copyIncluded(root: string, tree: string, include: readonly string[]): void {
  for (const path of include) {
    const from = join(root, path)
    const to = join(tree, path)
    if (!existsSync(from) || !isPlainPath(root, path) || GIT_FOLDER.test(path)) continue
    mkdirSync(dirname(to), { recursive: true })
    if (!isPlainPath(tree, path) || isLink(to)) continue
    if (lstatSync(from).isDirectory()) cpSync(from, to, { recursive: true, verbatimSymlinks: true, force: false })
    else if (!existsSync(to)) copyFileSync(from, to)
  }
}

/** Where nothing can be mounted, what would be bound is copied, blocks shared where the file system can. */
async function copyDependencies(mounts: readonly Mount[], root: string, tree: string, path: string): Promise<void> {
  for (const mount of mounts) {
    const to = join(tree, relative(root, mount.to))
    if (mount.mode === 'tmpfs' || existsSync(to) || !isPlainPath(tree, relative(root, mount.to))) continue
    if (lstatSync(mount.from).isDirectory()) await copyTree(mount.from, to, { PATH: path })
    else copyFileSync(mount.from, to)
  }
}

/**
 * A disk that was full without this sandbox is the machine's state: no command is to blame for failing on it.
 * @throws DISK_FULL
 */
async function demandRoom(folder: string, minFreeBytes: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free >= minFreeBytes || free + (await treeBytes(folder)) >= minFreeBytes) return
  throw new SingularityError(
    'DISK_FULL',
    `Only ${Math.round(free / 1024 ** 2)} MB are left for sandboxes in ${folder}; ${Math.round(minFreeBytes / 1024 ** 2)} MB are needed.`,
    {
      hints: ['singularity doctor --fix', `df -h '${folder}'`],
    },
  )
}
