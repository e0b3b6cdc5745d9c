import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { withScratch, type Git } from '../git/index.ts'
import { lstat, within, type Checkout } from './checkout.ts'
import type { JournalPath } from './journal.ts'

export type Side = 'old' | 'new'

const GITLINK = '160000'
const SYMLINK = '120000'

type Version = { mode: string; bytes: Buffer | null }
type Found = 'wanted' | 'other' | 'missing' | 'torn' | 'foreign'

/** What each journalled path looks like on disk, measured against one side of the operation. */
export async function survey(git: Git, checkout: Checkout, paths: readonly JournalPath[], wanted: Side): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  for (const path of paths) found.set(path.path, (await examine(git, checkout, path, wanted)).found)
  return found
}

/**
 * Brings the journalled paths of a checkout, files and index entries, to one side of the operation. Whatever matches
 * neither side was edited by the user meanwhile: it is left alone and reported.
 */
export async function restore(git: Git, checkout: Checkout, paths: readonly JournalPath[], wanted: Side): Promise<string[]> {
  const foreign: string[] = []
  const hidden = await skippedPaths(git, checkout, paths)
  let touched = false
  // Deletions first: a folder may have to make room for a file. Attributes early: they decide how others are written.
  const ordered = [...paths].filter((each) => !hidden.has(each.path)).sort((a, b) => rank(a, wanted) - rank(b, wanted))
  for (const path of ordered) {
    const { found, version } = await examine(git, checkout, path, wanted)
    if (found === 'wanted') {
      // git may have made the folders of a file and been killed before the file.
      if (version.bytes === null) removeEmptyParents(checkout.path, path.path)
      continue
    }
    if (found === 'foreign') foreign.push(path.path)
    else {
      await put(git, checkout, path.path, version)
      touched = true
    }
  }
  if (await restoreIndex(git, checkout, paths, wanted, hidden)) touched = true
  if (touched) await git.run(['update-index', '-q', '--refresh'], { ...within(checkout), accept: [0, 1] })
  return foreign
}

function rank(path: JournalPath, wanted: Side): number {
  if ((wanted === 'old' ? path.oldOid : path.newOid) === null) return 0
  return path.path.endsWith('.gitattributes') ? 1 : 2
}

async function examine(git: Git, checkout: Checkout, path: JournalPath, wanted: Side): Promise<{ found: Found; version: Version }> {
  const [before, after] = await Promise.all([load(git, checkout, path, 'old'), load(git, checkout, path, 'new')])
  const [version, other] = wanted === 'old' ? [before, after] : [after, before]
  const stat = lstat(join(checkout.path, path.path))
  if (path.oldMode === GITLINK || path.newMode === GITLINK) return { found: 'wanted', version }
  if (!stat) return { found: version.bytes === null ? 'wanted' : 'missing', version }
  // A folder where a file is not there (yet) belongs to other paths; an empty one is in the way only.
  if (stat.isDirectory())
    return { found: version.bytes === null ? 'wanted' : isEmptyFolder(join(checkout.path, path.path)) ? 'missing' : 'foreign', version }
  const bytes = stat.isSymbolicLink()
    ? readlinkSync(join(checkout.path, path.path), { encoding: 'buffer' })
    : readFileSync(join(checkout.path, path.path))
  if (matches(version, bytes, stat)) return { found: 'wanted', version }
  if (other.bytes?.equals(bytes) === true) return { found: 'other', version }
  // git writes a file front to back: what it had no time to finish is a beginning of the new content.
  if (after.bytes !== null && bytes.length < after.bytes.length && after.bytes.subarray(0, bytes.length).equals(bytes))
    return { found: 'torn', version }
  return { found: 'foreign', version }
}

function matches(version: Version, bytes: Buffer, stat: Stats): boolean {
  if (version.bytes === null || !version.bytes.equals(bytes) || (version.mode === SYMLINK) !== stat.isSymbolicLink()) return false
  return stat.isSymbolicLink() || ((stat.mode & 0o100) !== 0) === (version.mode === '100755')
}

/** The bytes a checkout would write, line endings and filters applied. */
async function load(git: Git, checkout: Checkout, path: JournalPath, side: Side): Promise<Version> {
  const [mode, oid] = side === 'old' ? [path.oldMode, path.oldOid] : [path.newMode, path.newOid]
  if (oid === null || mode === GITLINK) return { mode, bytes: null }
  const args = mode === SYMLINK ? ['cat-file', 'blob', oid] : ['cat-file', '--filters', `--path=${path.path}`, oid]
  return { mode, bytes: (await git.run(args, within(checkout))).stdout }
}

async function put(git: Git, checkout: Checkout, path: string, version: Version): Promise<void> {
  const target = join(checkout.path, path)
  if (version.bytes === null) {
    rmSync(target, { force: true })
    removeEmptyParents(checkout.path, path)
    return
  }
  const bytes = version.bytes
  if (lstat(target)?.isDirectory()) rmSync(target, { recursive: true }) // holds empty folders only, see `examine`
  mkdirSync(dirname(target), { recursive: true })
  await withScratch(git.repository, async (folder) => {
    const make = (temporary: string): void => {
      if (version.mode === SYMLINK) symlinkSync(bytes, temporary)
      else writeFileSync(temporary, bytes, { mode: version.mode === '100755' ? 0o777 : 0o666, flush: true })
    }
    const temporary = join(folder, 'file')
    make(temporary)
    try {
      renameSync(temporary, target)
    } catch (error) {
      if ((error as { code?: string }).code !== 'EXDEV') throw error
      // The working tree is on another disk than the repository.
      const beside = `${target}.singularity-recover`
      rmSync(beside, { force: true })
      make(beside)
      renameSync(beside, target)
    }
  })
}

function isEmptyFolder(folder: string): boolean {
  return readdirSync(folder, { withFileTypes: true }).every((item) => item.isDirectory() && isEmptyFolder(join(folder, item.name)))
}

function removeEmptyParents(root: string, path: string): void {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    try {
      rmdirSync(join(root, parent))
    } catch {
      return
    }
  }
}

/** Paths that a sparse checkout leaves out: not being on disk is right for them. */
async function skippedPaths(git: Git, checkout: Checkout, paths: readonly JournalPath[]): Promise<Set<string>> {
  const listed = await git.run(['ls-files', '-t', '-z', '--', ...paths.map((each) => each.path)], within(checkout))
  return new Set(
    listed.text
      .split('\0')
      .filter((record) => record.startsWith('S '))
      .map((record) => record.slice(2)),
  )
}

async function restoreIndex(
  git: Git,
  checkout: Checkout,
  paths: readonly JournalPath[],
  wanted: Side,
  hidden: ReadonlySet<string>,
): Promise<boolean> {
  const listed = await git.run(['ls-files', '-s', '-z', '--', ...paths.map((each) => each.path)], within(checkout))
  const entries = new Map(
    listed.text
      .split('\0')
      .filter((record) => record !== '')
      .map((record) => [record.slice(record.indexOf('\t') + 1), record.slice(0, record.indexOf('\t'))]),
  )
  const zero = '0'.repeat(git.repository.objectFormat === 'sha256' ? 64 : 40)
  const lines: string[] = []
  const text = (mode: string, oid: string | null): string | undefined => (oid === null ? undefined : `${mode} ${oid} 0`)
  for (const path of paths) {
    const [before, after] = [text(path.oldMode, path.oldOid), text(path.newMode, path.newOid)]
    const [target, other] = wanted === 'old' ? [before, after] : [after, before]
    const current = entries.get(path.path)
    if (current === target || current !== other) continue
    if (target === undefined) lines.unshift(`0 ${zero}\t${path.path}\0`)
    else lines.push(`${target.slice(0, -2)}\t${path.path}\0`)
  }
  if (lines.length === 0) return false
  await git.run(['update-index', '--add', '--replace', '-z', '--index-info'], { ...within(checkout), input: lines.join('') })
  if (hidden.size > 0)
    await git.run(['update-index', '--skip-worktree', '-z', '--stdin'], {
      ...within(checkout),
      input: [...hidden].map((path) => `${path}\0`).join(''),
    })
  return true
}
