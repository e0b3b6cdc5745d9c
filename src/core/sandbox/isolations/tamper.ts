import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Parts of a git directory that make later git commands run or read something else. Refs and index move by the user's own work. */
const GUARDED = ['config', 'config.worktree', 'commondir', 'gitdir', 'hooks', 'info', 'objects/info', 'worktrees', 'modules']

/** A fingerprint per guarded file of a git directory. */
export function guardGitDir(gitDir: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of GUARDED) collect(join(gitDir, name), found)
  return found
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
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}
