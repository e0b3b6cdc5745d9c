import { createHash } from 'node:crypto'
import { type Stats, existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Parts of a git directory that make later git commands run or read something else, and where the branches are. */
const GUARDED = ['config', 'config.worktree', 'commondir', 'gitdir', 'hooks', 'info', 'objects/info', 'worktrees', 'modules', 'HEAD']

/** A fingerprint per guarded file of a git directory. The index moves by looking at it, and objects are only added. */
export function guardGitDir(gitDir: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of GUARDED) collect(join(gitDir, name), found)
  for (const [ref, value] of branches(gitDir)) found.set(join(gitDir, ref), value)
  return found
}

/** Branches wherever they are kept: packing them changes nothing. Tags and remotes move by a fetch in the background. */
function branches(gitDir: string): Map<string, string> {
  const found = new Map<string, string>()
  const packed = join(gitDir, 'packed-refs')
  if (existsSync(packed))
    for (const [, oid, ref] of readFileSync(packed, 'utf8').matchAll(/^([0-9a-f]+) (refs\/heads\/.+)$/gm)) found.set(ref!, oid!)
  const walk = (ref: string): void => {
    for (const entry of readdirSync(join(gitDir, ref), { withFileTypes: true })) {
      const path = `${ref}/${entry.name}`
      if (entry.isDirectory()) walk(path)
      else if (entry.isFile() && !entry.name.endsWith('.lock')) found.set(path, readFileSync(join(gitDir, path), 'utf8').trim())
    }
  }
  if (existsSync(join(gitDir, 'refs/heads'))) walk('refs/heads')
  return found
}

/** Installed and made by tools: large, and of no weight for what is committed. */
const UNGUARDED: ReadonlySet<string> = new Set(['.git', 'node_modules', '.venv', 'venv', '__pycache__', '.cache', 'target'])

/** A fingerprint per file of a work tree, from its inode alone: no content is read, a restored time shows as a change. */
export function guardWorkTree(root: string): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (folder: string): void => {
    for (const entry of attempt(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
      const path = join(folder, entry.name)
      if (UNGUARDED.has(entry.name)) continue
      if (entry.isDirectory()) walk(path)
      else {
        const stat = attempt(() => lstatSync(path))
        if (stat) found.set(path, inode(stat))
      }
    }
  }
  walk(root)
  return found
}

function inode({ mode, size, mtimeMs, ctimeMs, ino }: Stats): string {
  return [mode, size, mtimeMs, ctimeMs, ino].join(':')
}

function attempt<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch {
    return undefined // it went away meanwhile: the second look tells
  }
}

/** Which guarded files differ between two looks. */
export function tamperedFiles(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort()
}

/** In a worktree's admin folder only where it points matters: its index and HEAD move by the user's own work. */
const MOVING =
  /\/(?:worktrees\/[^/]+\/(?!commondir$|gitdir$|config\.worktree$)|modules\/.*\/(?!config$|hooks\/)|info\/refs$|objects\/info\/(?:packs|commit-graph))/

function collect(path: string, found: Map<string, string>): void {
  if (!existsSync(path) && !isLink(path)) return
  const stat = lstatSync(path)
  if (stat.isDirectory()) {
    for (const name of readdirSync(path)) collect(join(path, name), found)
    return
  }
  if (MOVING.test(path)) return
  const content = stat.isSymbolicLink() ? readlinkSync(path) : stat.isFile() ? readFileSync(path) : ''
  found.set(path, `${stat.mode.toString(8)}:${createHash('sha256').update(content).digest('hex')}`)
}

function isLink(path: string): boolean {
  return attempt(() => lstatSync(path))?.isSymbolicLink() === true
}
