import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { type Git, belowRoot } from '../git/index.ts'

export type HookName = 'pre-commit' | 'commit-msg'

/** The hooks `git commit` would run in this checkout. */
export type Hooks = {
  names: readonly HookName[]
  /** Everything a hook may call beside it: this folder belongs to the hooks as a whole. */
  folder: string
  /** Of `folder`, relative to the working tree; null where it lies outside (`.git/hooks`, a folder of the person's). */
  inTree: string | null
  /** `core.hooksPath` where the hooks lie in the working tree, relative to it. */
  hooksPath: string | null
}

const NAMES: readonly HookName[] = ['pre-commit', 'commit-msg']

/** Finds the hooks as git does: `core.hooksPath`, relative to the working tree, else the repository's own folder. */
export async function findHooks(git: Git, home: string): Promise<Hooks | null> {
  const { root, commonDir } = git.repository
  const configured = (await git.config('core.hooksPath')) ?? ''
  const expanded = configured.startsWith('~/') ? join(home, configured.slice(2)) : configured
  const path = expanded === '' ? join(commonDir, 'hooks') : isAbsolute(expanded) ? expanded : resolve(root, expanded)
  const names = NAMES.filter((name) => isProgram(join(path, name)))
  if (names.length === 0) return null
  const inside = insideOf(root, path)
  if (inside === null) return { names, folder: path, inTree: null, hooksPath: null }
  // husky keeps its own programs in `_`, below the hooks a project writes
  const folder = basename(path) === '_' && inside !== '_' ? dirname(path) : path
  return { names, folder, inTree: insideOf(root, folder), hooksPath: inside }
}

/** The path below `root` with slashes; null outside of the tree, and for the git directory in it. */
export function insideOf(root: string, path: string): string | null {
  const below = belowRoot(root, path)
  return below === null || below === '' || below.split('/')[0] === '.git' ? null : below
}

function isProgram(path: string): boolean {
  try {
    accessSync(realpathSync(path), constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
