import { posix } from 'node:path'
import knowledge from '../../../../templates_data/contract/static.json' with { type: 'json' }
import type { ChangedFile } from '../../git/index.ts'

/** Why a path, or what became of it, may decide about more than its own content: a person always looks. */
export type Privilege = { path: string; kind: string; detail: string }

const RULES = knowledge.privileged.map((rule) => ({ ...rule, pattern: new RegExp(rule.pattern) }))

/** The privilege a path has by its name; `undefined` for ordinary files. */
export function privilegedPath(path: string): string | undefined {
  return RULES.find((rule) => rule.pattern.test(path))?.kind
}

export type PrivilegedInput = {
  changedFiles: readonly Pick<ChangedFile, 'path' | 'oldPath' | 'status' | 'oldMode' | 'newMode'>[]
  readBase(path: string): Promise<string | undefined>
  readCandidate(path: string): Promise<string | undefined>
  /** All paths of the candidate's tree: two that a case-folding file system cannot keep apart are a clash. */
  candidatePaths?: readonly string[]
}

/** Everything about a change that is privileged: names, scripts, links that leave the tree, submodules, clashing names. */
export async function privilegedChanges(input: PrivilegedInput): Promise<Privilege[]> {
  const found: Privilege[] = []
  for (const file of input.changedFiles) {
    for (const path of new Set([file.path, file.oldPath ?? file.path])) {
      const kind = privilegedPath(path)
      if (kind !== undefined) found.push({ path, kind, detail: file.status })
    }
    if (file.newMode === '160000' || file.oldMode === '160000') found.push({ path: file.path, kind: 'submodule', detail: file.status })
    if (file.newMode === '120000') {
      const target = (await input.readCandidate(file.path)) ?? ''
      if (leavesTree(file.path, target)) found.push({ path: file.path, kind: 'symlink_leaves_tree', detail: target.slice(0, 200) })
    }
    if (file.newMode === '100755' && file.oldMode !== '100755')
      found.push({ path: file.path, kind: 'executable', detail: 'becomes executable' })
    if (posix.basename(file.path) === 'package.json') {
      const changed = changedKeys(await input.readBase(file.oldPath ?? file.path), await input.readCandidate(file.path))
      if (changed.length > 0) found.push({ path: file.path, kind: 'package_scripts', detail: changed.join(', ') })
    }
  }
  const touched = new Set(input.changedFiles.filter((file) => file.status !== 'deleted').map((file) => file.path))
  for (const clash of nameClashes(input.candidatePaths ?? [])) {
    if (clash.some((path) => touched.has(path)))
      found.push({ path: clash.find((path) => touched.has(path))!, kind: 'name_clash', detail: clash.join(' = ') })
  }
  return found
}

/** True where a link's target is absolute or climbs out of the repository. */
export function leavesTree(path: string, target: string): boolean {
  if (posix.isAbsolute(target) || /^[A-Za-z]:|^\\/.test(target)) return true
  const resolved = posix.normalize(posix.join(posix.dirname(path), target))
  return resolved === '..' || resolved.startsWith('../') || resolved === '.git' || resolved.startsWith('.git/')
}

/** Groups of paths, folders included, that differ only in case or in Unicode normal form. */
export function nameClashes(paths: readonly string[]): string[][] {
  const groups = new Map<string, Set<string>>()
  for (const path of paths) {
    const parts = path.split('/')
    for (let length = 1; length <= parts.length; length++) {
      const prefix = parts.slice(0, length).join('/')
      const key = prefix.normalize('NFC').toLowerCase().toUpperCase()
      const group = groups.get(key)
      if (group === undefined) groups.set(key, new Set([prefix]))
      else group.add(prefix)
    }
  }
  return [...groups.values()].filter((group) => group.size > 1).map((group) => [...group].sort())
}

const LIFECYCLE = [
  'scripts',
  'bin',
  'gypfile',
  'workspaces',
  'packageManager',
  'overrides',
  'resolutions',
  'allowScripts',
  'trustedDependencies',
  'pnpm',
]

function changedKeys(before: string | undefined, after: string | undefined): string[] {
  const [old, next] = [parse(before), parse(after)]
  return LIFECYCLE.filter((key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]))
}

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    // A manifest that does not parse differs in everything.
    return Object.fromEntries(LIFECYCLE.map((key) => [key, text]))
  }
}
