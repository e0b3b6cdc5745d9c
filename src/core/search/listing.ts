import { existsSync, lstatSync, readFileSync, statSync, type Stats } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Git } from '../git/index.ts'
import { type Classified, classifyPath } from './file-class.ts'
import { createIncluded } from './included.ts'

/** A file of the worktree as the index has to know it. */
export type Listed = Classified & {
  path: string
  /** The id of the bytes as they lie here, where git can be believed; `null`: the bytes have to be looked at. */
  claimed: string | null
  /** In the search although it is generated, vendored or huge. */
  included: boolean
}

export type Listing = {
  /**
   * Of everything git said and of the files it said it from: with an equal digest `read` gives equal files. `null` while one of them may
   * still change within a tick of the clock.
   */
  digest: string | null
  read(): Promise<Map<string, Listed>>
}

/** Where git looks for the attributes of this person, as long as the settings are these: filled by `listWorktree`, for the next time. */
export type Remembered = { config?: string; globals?: string }

export type ListOptions = {
  signal?: AbortSignal | undefined
  remembered?: Remembered
  /** Globs of generated, vendored and huge files that are searched all the same. */
  include?: readonly string[]
}

/** Stands for bytes that are no UTF-8: a file with such a name cannot be opened by it. */
const NO_TEXT = '\ufffd'
/** A file that was written so recently may be written again without a new time. */
const RACY_MS = 100

type IndexEntry = { tag: string; mode: string; oid: string }

/**
 * What lies in the worktree, by git's own rules of what is ignored. Takes no lock: a plain status would write the user's index.
 * An id of git's index is believed for a clean path only, and only where git does not change bytes between index and worktree.
 */
export async function listWorktree(
  git: Git,
  exclude: readonly string[],
  now: number,
  { signal, remembered = {}, include = [] }: ListOptions = {},
): Promise<Listing> {
  const askGlobals = async (): Promise<string> => (await git.run(['var', 'GIT_ATTR_GLOBAL'], { accept: [0, 1, 128, 129] })).text
  const options = signal ? { signal } : {}
  const index = join(git.repository.gitDir, 'index')
  const before = stampOf(index)
  // two processes: what is changed and what is new are told by different walks
  const [status, others, config, asked] = await Promise.all([
    git.run(
      ['--no-optional-locks', 'status', '--porcelain=v2', '-z', '--untracked-files=no', '--no-renames', '--ignore-submodules=all'],
      options,
    ),
    git.run(['--no-optional-locks', 'ls-files', '-z', '--others', '--exclude-standard'], options),
    git.run(['config', '--null', '--get-regexp', String.raw`^core\.(autocrlf|attributesfile|eol)$`], { ...options, accept: [0, 1] }),
    remembered.globals === undefined ? askGlobals() : undefined,
  ])
  const globals = asked ?? (remembered.config === config.text ? remembered.globals! : await askGlobals())
  Object.assign(remembered, { config: config.text, globals })
  const changed = parseStatus(status.text)
  const untracked = others.text.split('\0').filter((path) => path !== '')
  const settings = new Map(config.text.split('\0').map((line) => line.split('\n') as [string, string | undefined]))
  const outside = [settings.get('core.attributesfile'), ...globals.split('\n'), join(git.repository.commonDir, 'info', 'attributes')]
  const attributeFiles = [
    ...outside.filter((path) => path !== undefined && path !== ''),
    ...[...changed, ...untracked].filter(isAttributes).map((path) => join(git.repository.root, path)),
  ] as string[]
  const stamps = [index, ...attributeFiles].map(stampOf)
  const settledNow = stamps.every((stamp) => stamp === null || stamp.newest < now - RACY_MS) && before?.text === stamps[0]?.text
  const digest = settledNow
    ? createHash('sha256')
        .update(
          JSON.stringify([status.text, others.text, config.text, globals, exclude, include, stamps.map((stamp) => stamp?.text ?? null)]),
        )
        .digest('hex')
    : null

  async function read(): Promise<Map<string, Listed>> {
    const entries = parseIndex((await git.run(['--no-optional-locks', 'ls-files', '-z', '-v', '-s'], options)).text)
    const converts = !['', 'false', 'no', 'off', '0'].includes((settings.get('core.autocrlf') ?? '').toLowerCase())
    const excluded = (path: string): boolean => exclude.some((folder) => path.startsWith(folder))
    const paths = [...entries.keys(), ...untracked].filter((path) => !excluded(path) && !path.endsWith('/') && !path.includes(NO_TEXT))
    const attributes =
      settings.has('core.attributesfile') || paths.some(isAttributes) || attributeFiles.some((path) => existsSync(path))
        ? await readAttributes(git, paths, signal)
        : new Map<string, Attributes>()
    const included = createIncluded(include)
    const files = new Map<string, Listed>()
    for (const path of paths) {
      const entry = entries.get(path)
      if (entry?.mode === '160000')
        files.set(path, { path, claimed: entry.oid, included: false, class: 'submodule', reason: 'a submodule' })
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
    return files
  }
  return { digest, read }
}

const isAttributes = (path: string): boolean => path === '.gitattributes' || path.endsWith('/.gitattributes')

/** What git itself tells a changed file by; `null` where there is none. */
function stampOf(path: string): { text: string; newest: number } | null {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (stat === undefined) return null
  const { size, mtimeNs, ctimeNs, ino } = stat
  return { text: [size, mtimeNs, ctimeNs, ino].join(' '), newest: Number(mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1e6 }
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

function parseStatus(text: string): Set<string> {
  const changed = new Set<string>()
  for (const record of text.split('\0')) {
    // 1 XY sub mH mI mW hH hI path; u XY sub m1 m2 m3 mW h1 h2 h3 path
    if (record.startsWith('1 ') && record[3] !== '.') changed.add(fieldsAfter(record, 8))
    else if (record.startsWith('u ')) changed.add(fieldsAfter(record, 10))
  }
  return changed
}

function fieldsAfter(record: string, count: number): string {
  let at = 0
  for (let field = 0; field < count; field++) at = record.indexOf(' ', at) + 1
  return record.slice(at)
}

type Attributes = { transforms: boolean; binary: boolean; generated?: boolean; vendored?: boolean }

const NAMES = ['text', 'crlf', 'eol', 'ident', 'filter', 'working-tree-encoding', 'linguist-generated', 'linguist-vendored']

async function readAttributes(git: Git, paths: readonly string[], signal: AbortSignal | undefined): Promise<Map<string, Attributes>> {
  const found = new Map<string, Attributes>()
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
