import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Git, TreeEntry } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import { isPlainPath, readUntrusted } from './safe-read.ts'
import { storedForms, toStored } from './stored-form.ts'

export type CollectedChange = { path: string; content: Uint8Array | null; mode: '100644' | '100755' | '120000' }

type Held = CollectedChange & { content: Uint8Array }

const MAX_FILE = 32 * 1024 * 1024
const MAX_TOTAL = 128 * 1024 * 1024

/**
 * What an edit phase changed, read as data: no git command looks at a changed file (a filter of the person's own
 * configuration could run on it), no link is followed, `.git` folders and ignored files are left out. Contents are what
 * `git add` would store by the base's attributes (line endings).
 * @throws LIMIT_REACHED for more than 128 MiB of changes
 */
export async function collectChanges(
  git: Git,
  place: { path: string; admin: string },
  commit: string,
  skip: ReadonlySet<string>,
): Promise<CollectedChange[]> {
  const reader = git.reader(commit)
  const tracked = new Map((await reader.entries()).map((entry) => [entry.path, entry]))
  const changes: CollectedChange[] = []
  const differing: Held[] = []
  let total = 0
  const hold = (change: Held): void => {
    total += change.content.byteLength
    if (total > MAX_TOTAL) throw new SingularityError('LIMIT_REACHED', 'The command changed more than 128 MiB of files.')
    differing.push(change)
  }
  for (const entry of tracked.values()) {
    if (entry.mode === '160000' || skip.has(entry.path)) continue
    const found = readEntry(place.path, entry.path)
    if (found === undefined) changes.push({ path: entry.path, content: null, mode: entry.mode })
    else if (found.mode !== entry.mode || blobId(found.content, git.repository.objectFormat) !== entry.oid)
      hold({ path: entry.path, ...found })
  }
  const fresh = untracked(place.path, tracked, skip)
  const ignored = await ignoredPaths(git, place, fresh)
  for (const path of fresh) {
    if (ignored.has(path)) continue
    const found = readEntry(place.path, path)
    if (found) hold({ path, ...found })
  }
  const formOf = await storedForms(
    git,
    place,
    differing.map(({ path }) => path),
  )
  for (const { path, mode, content: raw } of differing) {
    const entry = tracked.get(path)
    const form = formOf(path)
    const base = form.crlf === 'auto' && entry ? await reader.read(path) : undefined
    const content = mode === '120000' ? raw : toStored(raw, form, base)
    if (mode !== entry?.mode || blobId(content, git.repository.objectFormat) !== entry.oid) changes.push({ path, mode, content })
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function readEntry(root: string, path: string): (Omit<CollectedChange, 'path'> & { content: Uint8Array }) | undefined {
  if (!isPlainPath(root, path)) return undefined
  let stat
  try {
    stat = lstatSync(join(root, path))
  } catch {
    return undefined
  }
  if (stat.isSymbolicLink()) return { content: readlinkSync(join(root, path), { encoding: 'buffer' }), mode: '120000' }
  if (!stat.isFile()) return undefined
  if (stat.size > MAX_FILE) throw new SingularityError('LIMIT_REACHED', `${path} is larger than 32 MiB.`)
  const content = readUntrusted(root, path, MAX_FILE)
  return content && { content, mode: stat.mode & 0o100 ? '100755' : '100644' }
}

function blobId(content: Uint8Array, format: 'sha1' | 'sha256'): string {
  return createHash(format).update(`blob ${content.byteLength}\0`).update(content).digest('hex')
}

function untracked(root: string, tracked: ReadonlyMap<string, TreeEntry>, skip: ReadonlySet<string>): string[] {
  const links = new Set([...tracked.values()].filter((entry) => entry.mode === '160000').map((entry) => entry.path))
  const found: string[] = []
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
      const path = below ? `${below}/${entry.name}` : entry.name
      if (entry.name === '.git' || skip.has(path) || links.has(path)) continue
      if (entry.name.includes('\uFFFD') && !existsSync(join(root, path)))
        throw new SingularityError('PATCH_INVALID', `The command made a file whose name is not UTF-8: ${path}`, {
          data: { reason: 'file_name' },
        })
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules') walk(path)
      } else if (!tracked.has(path)) found.push(path)
    }
  }
  walk('')
  return found
}

async function ignoredPaths(git: Git, place: { path: string; admin: string }, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set()
  // './' because a name may start with ':', which means something to git; the wrapper's literal mode is not known here
  const answer = await git.run(['check-ignore', '-z', '--stdin'], {
    gitDir: place.admin,
    workTree: place.path,
    accept: [0, 1],
    env: { GIT_LITERAL_PATHSPECS: '0' },
    input: paths.map((path) => `./${path}\0`).join(''),
  })
  return new Set(
    answer.text
      .split('\0')
      .filter(Boolean)
      .map((path) => path.slice(2)),
  )
}
