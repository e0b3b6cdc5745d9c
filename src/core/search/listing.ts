import { existsSync, lstatSync, readFileSync, type Stats } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Git } from '../git/index.ts'
import { type Classified, classifyPath } from './file-class.ts'

/** A file of the worktree as the index has to know it. */
export type Listed = Classified & {
  path: string
  /** The id of the bytes as they lie here, where git can be believed; `null`: the bytes have to be looked at. */
  claimed: string | null
  /** In the search although it is generated, vendored or huge. */
  included: boolean
}

export type Listing = { files: Map<string, Listed>; /** Paths that git calls changed or new. */ dirty: ReadonlySet<string> }

/** Stands for bytes that are no UTF-8: a file with such a name cannot be opened by it. */
const NO_TEXT = '\ufffd'

type IndexEntry = { tag: string; mode: string; oid: string }

/**
 * What lies in the worktree, by git's own rules of what is ignored. Takes no lock: a plain status would write the user's index.
 * An id of git's index is believed for a clean path only, and only where git does not change bytes between index and worktree.
 */
export async function listWorktree(
  git: Git,
  exclude: (path: string) => boolean,
  included: (path: string) => boolean = () => false,
  signal?: AbortSignal,
): Promise<Listing> {
  const options = signal ? { signal } : {}
  const [index, status, config] = await Promise.all([
    git.run(['--no-optional-locks', 'ls-files', '-z', '-v', '-s'], options),
    git.run(
      ['--no-optional-locks', 'status', '--porcelain=v2', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=all'],
      options,
    ),
    git.run(['config', '--null', '--get-regexp', String.raw`^core\.(autocrlf|attributesfile|eol)$`], { ...options, accept: [0, 1] }),
  ])
  const entries = parseIndex(index.text)
  const { changed, untracked } = parseStatus(status.text)
  const settings = new Map(config.text.split('\0').map((line) => line.split('\n') as [string, string | undefined]))
  const converts = !['', 'false', 'no', 'off', '0'].includes((settings.get('core.autocrlf') ?? '').toLowerCase())
  const paths = [...entries.keys(), ...untracked].filter((path) => !exclude(path) && !path.endsWith('/') && !path.includes(NO_TEXT))
  const attributes = await readAttributes(git, paths, settings.get('core.attributesfile'), signal)
  const files = new Map<string, Listed>()
  for (const path of paths) {
    const entry = entries.get(path)
    if (entry?.mode === '160000') files.set(path, { path, claimed: entry.oid, included: false, class: 'submodule', reason: 'a submodule' })
    else if (entry?.mode === '120000')
      files.set(path, { path, claimed: entry.oid, included: false, class: 'link', reason: 'a symbolic link' })
    else {
      const own = attributes.get(path)
      const trusted =
        entry !== undefined && entry.tag === 'H' && !changed.has(path) && own?.transforms !== true && !(converts && own?.binary !== true)
      const isIncluded = included(path)
      files.set(path, { path, claimed: trusted ? entry.oid : null, included: isIncluded, ...classifyPath(path, own, isIncluded) })
    }
  }
  return { files, dirty: new Set([...changed, ...untracked]) }
}

/** Those of the paths that git ignores. */
export async function ignoredPaths(git: Git, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set()
  const answer = await git.run(['check-ignore', '-z', '--stdin'], {
    input: paths.map((path) => `./${path}\0`).join(''), // one that begins with `:` would be a pattern
    accept: [0, 1],
    env: { GIT_LITERAL_PATHSPECS: '0' }, // this command refuses them
  })
  return new Set(answer.text.split('\0').map((path) => path.slice(2)))
}

/** `H 100644 OID STAGE\tPATH`; a small letter is assume-unchanged, S is skip-worktree, M is unmerged. */
function parseIndex(text: string): Map<string, IndexEntry> {
  const entries = new Map<string, IndexEntry>()
  for (const record of text.split('\0')) {
    const tab = record.indexOf('\t')
    if (tab < 0) continue
    const [tag = '', mode = '', oid = ''] = record.slice(0, tab).split(' ')
    entries.set(record.slice(tab + 1), { tag, mode, oid })
  }
  return entries
}

function parseStatus(text: string): { changed: Set<string>; untracked: string[] } {
  const [changed, untracked] = [new Set<string>(), [] as string[]]
  for (const record of text.split('\0')) {
    // 1 XY sub mH mI mW hH hI path; u XY sub m1 m2 m3 mW h1 h2 h3 path
    if (record.startsWith('? ')) untracked.push(record.slice(2))
    else if (record.startsWith('1 ') && record[3] !== '.') changed.add(fieldsAfter(record, 8))
    else if (record.startsWith('u ')) changed.add(fieldsAfter(record, 10))
  }
  return { changed, untracked }
}

function fieldsAfter(record: string, count: number): string {
  let at = 0
  for (let field = 0; field < count; field++) at = record.indexOf(' ', at) + 1
  return record.slice(at)
}

type Attributes = { transforms: boolean; binary: boolean; generated?: boolean; vendored?: boolean }

const NAMES = ['text', 'crlf', 'eol', 'ident', 'filter', 'working-tree-encoding', 'linguist-generated', 'linguist-vendored']

/** Asks git for attributes only where something can set them. */
async function readAttributes(
  git: Git,
  paths: readonly string[],
  file: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Map<string, Attributes>> {
  const found = new Map<string, Attributes>()
  const somewhere =
    file !== undefined ||
    existsSync(join(git.repository.commonDir, 'info', 'attributes')) ||
    paths.some((path) => path === '.gitattributes' || path.endsWith('/.gitattributes')) ||
    (await git.run(['var', 'GIT_ATTR_GLOBAL'], { accept: [0, 1, 128, 129] })).text
      .split('\n')
      .some((each) => each !== '' && existsSync(each))
  if (!somewhere) return found
  const args = ['check-attr', '-z', '--stdin', ...NAMES]
  const answer = await git.run(args, { input: paths.map((path) => `${path}\0`).join(''), ...(signal && { signal }) })
  const fields = answer.text.split('\0')
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path, name, value] = [fields[at]!, fields[at + 1]!, fields[at + 2]!]
    if (value === 'unspecified') continue
    const own = found.get(path) ?? { transforms: false, binary: false }
    if (name === 'linguist-generated') own.generated = value !== 'unset' && value !== 'false'
    else if (name === 'linguist-vendored') own.vendored = value !== 'unset' && value !== 'false'
    else if (name === 'text' && value === 'unset') own.binary = true
    else if (value !== 'unset') own.transforms = true
    found.set(path, own)
  }
  return found
}

export type FileStat = { size: number; mtime: number; ctime: number; inode: number }

/** `undefined` where there is no regular file: gone, a folder, a link. */
export function statOf(root: string, path: string): FileStat | undefined {
  let stat: Stats | undefined
  try {
    stat = lstatSync(join(root, path), { throwIfNoEntry: false })
  } catch {
    return undefined // a folder above became a file, or cannot be entered
  }
  return stat?.isFile() ? { size: stat.size, mtime: stat.mtimeMs, ctime: stat.ctimeMs, inode: stat.ino } : undefined
}

/** The bytes of a regular file, `undefined` where it cannot be read. Links are not followed: they may lead out of the repository. */
export function readBytes(root: string, path: string): Uint8Array | undefined {
  if (statOf(root, path) === undefined) return undefined
  try {
    return readFileSync(join(root, path))
  } catch {
    return undefined
  }
}

/** The id git gives these bytes. */
export function blobId(bytes: Uint8Array, format: 'sha1' | 'sha256'): string {
  return createHash(format).update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
