import { SingularityError } from '../kernel/index.ts'
import type { Git } from '../git/index.ts'
import type { Database } from '../storage/index.ts'
import { analyzeFile, wordsOf } from './analyze.ts'
import { HUGE, classifyBytes, isSearched, mostBytes } from './file-class.ts'
import type { FactReader } from './fact-reader.ts'
import { type FileStat, type Listed, blobId, readBytes, statOf } from './listing.ts'
import { SQL } from './sql.ts'
import { type FileEntry, type FileRow, type WorktreeRow, findBlob, writeFiles } from './store.ts'

/** Rows of one transaction, about: a kill loses no more than this. */
const BATCH_CHUNKS = 500
const BATCH_BYTES = 4 * 1024 * 1024
/** A file that changed so recently may change again within the same tick of the file system's clock. */
const RACY_MS = 100

/** What has to be done so that the index says what lies in the worktree. */
export type Delta = {
  gone: FileRow[]
  /** New and changed files, with the row they replace. */
  changed: { listed: Listed; old: FileRow | undefined }[]
  /** Same bytes, other time stamps. */
  touched: { row: FileRow; stat: FileStat; claimed: string | null }[]
  /** Files that stay as they are. */
  kept: number
}

export type UpdateDeps = { db: Database; git: Git; reader: FactReader; worktree: WorktreeRow; now: () => number }

/** Files that are read, or pieces that a model makes vectors of. */
export type Progress = { done: number; of: number; path: string; unit?: 'files' | 'pieces' }

export type UpdateFigures = { parsed: number; reused: number; skipped: number; chunks: number }

/** Compares the listing with the rows. Bytes are read only where neither git nor the time stamps can be believed. */
export async function findDelta(
  { git, reader, now }: Pick<UpdateDeps, 'git' | 'reader' | 'now'>,
  listing: ReadonlyMap<string, Listed>,
  rows: ReadonlyMap<string, FileRow>,
  /** Of the reader that wrote all the rows; `null` where that is not known. */
  version: string | null,
): Promise<Delta> {
  const { root, objectFormat } = git.repository
  const delta: Delta = { gone: [], changed: [], touched: [], kept: 0 }
  const keys = new Map<string, string>()
  const same = version === reader.version()
  for (const row of same ? [] : rows.values())
    if (row.language !== null && !keys.has(row.language)) keys.set(row.language, await reader.key(row.language))
  for (const [path, row] of rows) if (!listing.has(path)) delta.gone.push(row)
  for (const listed of listing.values()) {
    const old = rows.get(listed.path)
    if (old === undefined) {
      if (listed.claimed !== null || statOf(root, listed.path) !== undefined) delta.changed.push({ listed, old })
      continue
    }
    const outdated = !same && old.language !== null && (old.key !== keys.get(old.language) || (await mayBeOther(reader, old)))
    if (outdated || classText(listed) !== old.listed) {
      delta.changed.push({ listed, old })
      continue
    }
    if (listed.claimed !== null && listed.claimed === old.oid) {
      delta.kept++
      continue
    }
    // a claim that turned out to be wrong before is no news
    if (listed.claimed !== old.claimed) {
      delta.changed.push({ listed, old })
      continue
    }
    const stat = statOf(root, listed.path)
    if (stat === undefined) delta.gone.push(old)
    else if (sameStat(stat, old)) delta.kept++
    else {
      const bytes = stat.size > mostBytes(listed.included) ? undefined : readBytes(root, listed.path)
      if (bytes === undefined || blobId(bytes, objectFormat) !== old.oid) delta.changed.push({ listed, old })
      else {
        delta.kept++
        delta.touched.push({ row: old, stat: settled(stat, now()), claimed: listed.claimed })
      }
    }
  }
  return delta
}

/**
 * Whether the rows still are what lies here, where git says the same as when they were written: what is left to look at are the files
 * whose bytes it does not vouch for.
 */
export function isUnchanged(db: Database, root: string, worktree: number): boolean {
  return db.all<FileStat & { path: string }>(SQL.unsureFiles, worktree).every((row) => {
    const stat = statOf(root, row.path)
    return stat !== undefined && sameStat(stat, row)
  })
}

const classText = (listed: Listed): string => `${listed.class} ${listed.reason ?? ''}`

function sameStat(a: FileStat, b: FileStat): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime && a.inode === b.inode
}

function settled(stat: FileStat, now: number): FileStat {
  return Math.max(stat.mtime, stat.ctime) > now - RACY_MS ? { ...stat, mtime: 0 } : stat
}

/** Other tables may know a file by its name, or by its first line where the name says nothing. */
async function mayBeOther(reader: FactReader, { path, language }: FileRow): Promise<boolean> {
  return !path.slice(path.lastIndexOf('/') + 1).includes('.') || (await reader.detect(path, '')) !== language
}

/** Brings the rows in line, batch by batch; each leaves a true index behind. Stops between batches when `signal` says so. */
export async function applyDelta(
  deps: UpdateDeps,
  delta: Delta,
  options: {
    signal?: AbortSignal | undefined
    onProgress?: ((progress: Progress) => void) | undefined
    /** False where more of the delta is to come. */ last?: boolean
    /** Of the listing that the delta was found by. */ digest?: string | null
  } = {},
): Promise<UpdateFigures> {
  const { db, worktree } = deps
  const figures: UpdateFigures = { parsed: 0, reused: 0, skipped: 0, chunks: 0 }
  if (delta.touched.length > 0)
    db.transaction(() => {
      for (const { row, stat, claimed } of delta.touched) db.run(SQL.touchFile, { id: row.id, claimed, ...stat })
    })
  for (let at = 0; at < delta.gone.length; at += BATCH_CHUNKS)
    writeFiles(db, worktree.id, delta.gone.slice(at, at + BATCH_CHUNKS), [], words)
  let done = 0
  for (let at = 0; at < delta.changed.length;) {
    if (options.signal?.aborted) throw new SingularityError('INTERRUPTED', 'The index was stopped; what is done stays.')
    const batch = await readBatch(deps, delta.changed, at)
    const old = delta.changed.slice(at, batch.next).flatMap((each) => each.old ?? [])
    figures.chunks += writeFiles(db, worktree.id, old, batch.entries, words)
    figures.parsed += batch.parsed
    figures.reused += batch.reused
    figures.skipped += batch.skipped
    done += batch.next - at
    at = batch.next
    options.onProgress?.({ done, of: delta.changed.length, path: delta.changed[at - 1]!.listed.path })
  }
  if (options.last !== false) finish(deps, options.digest ?? null)
  return figures
}

/** From here on the rows are known to be those of this reader. */
function finish({ db, reader, worktree, now }: UpdateDeps, digest: string | null): void {
  db.run(SQL.useWorktree, now(), 1, reader.version(), digest, worktree.id)
}

const words: Parameters<typeof writeFiles>[4] = (entry, bytes, chunk, symbols) => wordsOf(entry.path, bytes, chunk, symbols)

type Batch = { entries: FileEntry[]; next: number; parsed: number; reused: number; skipped: number }
type Waiting = { entry: FileEntry; language: string; bytes: Uint8Array; key: string }

async function readBatch(deps: UpdateDeps, changed: Delta['changed'], from: number): Promise<Batch> {
  const { db, git, reader, now } = deps
  const { root, objectFormat } = git.repository
  const batch: Batch = { entries: [], next: from, parsed: 0, reused: 0, skipped: 0 }
  const waiting: Waiting[] = []
  let [total, chunks] = [0, 0]
  while (batch.next < changed.length && total < BATCH_BYTES && chunks < BATCH_CHUNKS) {
    const { listed } = changed[batch.next++]!
    const entry = readEntry(root, objectFormat, listed, now())
    if (entry === undefined) continue
    batch.entries.push(entry.file)
    if (!isSearched(entry.file.class)) {
      batch.skipped++
      continue
    }
    const { bytes } = entry
    const newline = bytes.indexOf(10)
    const firstLine = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, newline < 0 ? 200 : newline, 200)).toString(
      'latin1',
    )
    const language = await reader.detect(listed.path, firstLine)
    const key = await reader.key(language)
    const known = findBlob(db, entry.file.oid, language, key)
    total += bytes.length
    chunks += 1 + bytes.length / 2000
    if (known === undefined) waiting.push({ entry: entry.file, language, bytes, key })
    else {
      entry.file.blob = { key, bytes, size: bytes.length, analysis: { id: known } }
      batch.reused++
    }
  }
  const facts = await reader.read(waiting.map(({ entry: { path }, language, bytes }) => ({ path, language, bytes })))
  for (const [index, { entry, language, bytes, key }] of waiting.entries())
    entry.blob = { key, bytes, size: bytes.length, analysis: analyzeFile(bytes, language, facts[index] ?? null) }
  batch.parsed = waiting.length
  return batch
}

/** A file as it lies here now; `undefined` where it is gone. */
function readEntry(
  root: string,
  format: 'sha1' | 'sha256',
  listed: Listed,
  now: number,
): { file: FileEntry; bytes: Uint8Array } | undefined {
  const { path, claimed } = listed
  const none = { path, oid: '', claimed, listed: classText(listed), size: 0, mtime: 0, ctime: 0, inode: 0, blob: null }
  if (listed.class === 'link' || listed.class === 'submodule')
    return { file: { ...none, oid: claimed ?? '', class: listed.class, reason: listed.reason }, bytes: new Uint8Array() }
  const stat = statOf(root, path)
  if (stat === undefined) return undefined
  if (stat.size > mostBytes(listed.included)) {
    const huge = isSearched(listed.class) ? HUGE : { class: listed.class, reason: listed.reason }
    return { file: { ...none, ...settled(stat, now), ...huge }, bytes: new Uint8Array() }
  }
  const bytes = readBytes(root, path)
  if (bytes === undefined) return { file: { ...none, ...stat, class: 'unreadable', reason: 'it cannot be read' }, bytes: new Uint8Array() }
  const byBytes = isSearched(listed.class) ? classifyBytes(bytes, listed.included) : null
  const file = { ...none, ...settled(stat, now), oid: blobId(bytes, format), class: listed.class, reason: listed.reason, ...byBytes }
  return { file, bytes }
}
