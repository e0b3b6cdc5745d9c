import { existsSync } from 'node:fs'
import type { Git } from '../git/index.ts'
import type { Database } from '../storage/index.ts'
import { digest } from '../kernel/index.ts'
import { analyzeFile } from './analyze.ts'
import type { FactReader } from './fact-reader.ts'
import { blobId, readBytes } from './listing.ts'
import { SQL, fts } from './sql.ts'
import { type FileRow, type WorktreeRow, dropWorktree, pruneBlobs, readFiles, writeFiles } from './store.ts'
import { countMissing } from './vectors.ts'
import { type Totals, countTotals, readTotals } from './totals.ts'
import { findWrongForms } from './vector-store.ts'

/** Files that are read again by `verify`. */
const SAMPLE = 200

export type Counts = { files: number; docs: number; words: number; blobs: number; chunks: number; symbols: number }
export type Mismatch = { path: string; what: string }
export type Verification = { ok: boolean; quickCheck: string; counts: Counts; sampled: number; mismatched: Mismatch[] }

export function countRows(db: Database, worktree: number): Counts {
  const counts = db.get<Omit<Counts, 'words'>>(SQL.counts, { worktree })!
  return { ...counts, words: readTotals(db, worktree).rows }
}

/** Pages, counts, the totals of bm25, and a sample of files read again. */
export async function verifyIndex(
  db: Database,
  worktree: WorktreeRow,
  { git, reader }: { git: Git; reader: FactReader },
): Promise<Verification> {
  const quickCheck = db.values('PRAGMA quick_check(1)')[0]?.[0]
  const counts = countRows(db, worktree.id)
  const mismatched: Mismatch[] = []
  const [kept, counted] = [readTotals(db, worktree.id), countTotals(db, worktree.id)]
  if (!sameTotals(kept, counted)) mismatched.push({ path: '', what: 'the totals of words' })
  for (const what of findWrongForms(db)) mismatched.push({ path: '', what })
  if (counts.docs !== counted.rows) mismatched.push({ path: '', what: 'the number of pieces' })
  db.run(`INSERT INTO fts_${worktree.id} (fts_${worktree.id}) VALUES ('integrity-check')`)
  const files = [...readFiles(db, worktree.id).values()].filter(({ blob }) => blob !== null)
  const step = Math.max(1, Math.floor(files.length / SAMPLE))
  let sampled = 0
  for (let at = 0; at < files.length && sampled < SAMPLE; at += step) {
    const file = files[at]!
    const bytes = readBytes(git.repository.root, file.path)
    if (bytes === undefined || blobId(bytes, git.repository.objectFormat) !== file.oid) continue // changed since
    sampled++
    const [facts] = await reader.read([{ language: file.language!, bytes }])
    const { chunks, symbols } = analyzeFile(bytes, file.language!, facts ?? null)
    const stored = [db.all(SQL.chunks, file.blob).map((row) => row['hash']), db.all(SQL.symbolsOf, file.blob).map((row) => row['name'])]
    if (digest(stored) !== digest([chunks.map(({ hash }) => hash), inOrder(symbols).map(({ name }) => name)]))
      mismatched.push({ path: file.path, what: 'pieces or symbols' })
  }
  const ok = quickCheck === 'ok' && mismatched.length === 0
  return { ok, quickCheck: String(quickCheck), counts, sampled, mismatched }
}

function inOrder<T extends { line: number; column: number; name: string }>(symbols: readonly T[]): T[] {
  return symbols.toSorted((a, b) => a.line - b.line || a.column - b.column || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function sameTotals(a: Totals, b: Totals): boolean {
  return a.rows === b.rows && a.words.every((words, column) => words === b.words[column])
}

/** What a worktree's rows say, per path, without numbers of rows: equal for equal bytes, whatever happened before. */
export function contentOf(db: Database, worktree: number): Map<string, string> {
  const content = new Map<string, string>()
  for (const file of readFiles(db, worktree).values()) {
    const chunks = file.blob === null ? [] : db.all(SQL.chunks, file.blob).map(({ id: _id, ...row }) => row)
    const symbols = file.blob === null ? [] : db.all(SQL.symbolsOf, file.blob)
    const docs = db
      .all<{ id: number }>(SQL.docsOf, file.id)
      .map(({ id }) => Buffer.from(db.get<{ value: Uint8Array }>(fts.size(worktree), id)?.value ?? []).toString('hex'))
    const { oid, class: name, reason, language } = file
    content.set(file.path, digest([oid, name, reason, language, chunks, symbols, docs]))
  }
  content.set('', digest(readTotals(db, worktree)))
  return content
}

/** Paths on which two indexes differ. */
export function compareContent(own: ReadonlyMap<string, string>, fresh: ReadonlyMap<string, string>): Mismatch[] {
  const paths = [...new Set([...own.keys(), ...fresh.keys()])].sort()
  return paths.flatMap((path) =>
    own.get(path) === fresh.get(path) ? [] : [{ path, what: path === '' ? 'the totals of words' : 'another content than a fresh index' }],
  )
}

export type Forgotten = { files: number; blobs: number; worktrees: number }

/** Takes files out of every worktree's index, with what only they hold. A path that is still here comes back with the next index. */
export function forgetPaths(db: Database, matches: (path: string) => boolean): Forgotten {
  let files = 0
  for (const { id, usedAt } of db.all<WorktreeRow>(SQL.worktrees)) {
    const gone: FileRow[] = [...readFiles(db, id).values()].filter(({ path }) => matches(path))
    if (gone.length === 0) continue
    writeFiles(db, id, gone, [], () => ({ path: '', name: '', body: '' }))
    db.run(SQL.useWorktree, usedAt, 0, null, null, id)
    files += gone.length
  }
  return { files, blobs: pruneBlobs(db), worktrees: 0 }
}

/** Takes out worktrees whose folder is gone and bytes that no file has any more. */
export function forgetGone(db: Database): Forgotten {
  const gone = db.all<WorktreeRow>(SQL.worktrees).filter(({ path }) => !existsSync(path))
  for (const { id } of gone) dropWorktree(db, id)
  return { files: 0, blobs: pruneBlobs(db), worktrees: gone.length }
}

export type IndexStatus = {
  state: 'none' | 'ready' | 'behind'
  building: boolean
  file: string | null
  bytes: number
  behindFiles: number | null
  /** Globs that `index --include` keeps. */
  include: string[]
  counts: Counts | null
  classes: { class: string; reason: string | null; files: number }[]
  languages: { language: string; tier: number; files: number; bytes: number }[]
  worktrees: { path: string; usedAt: number; complete: boolean; here: boolean }[]
  /** Spaces with vectors, and how many pieces of this worktree have none in each. */
  spaces: { model: string; vectors: number; missing: number }[]
}

export function describeIndex(
  db: Database,
  worktree: WorktreeRow,
): Pick<IndexStatus, 'counts' | 'classes' | 'languages' | 'worktrees' | 'spaces'> {
  return {
    counts: countRows(db, worktree.id),
    classes: db.all(SQL.classes, worktree.id),
    languages: db.all(SQL.languages, worktree.id),
    worktrees: db
      .all<WorktreeRow>(SQL.worktrees)
      .map(({ path, usedAt, complete }) => ({ path, usedAt, complete: complete === 1, here: path === worktree.path })),
    spaces: db.all<{ id: string }>(SQL.models).map(({ id }) => ({
      model: id,
      vectors: db.get<{ vectors: number }>(SQL.countVectors, { worktree: worktree.id, model: id })!.vectors,
      missing: countMissing(db, worktree.id, { id }),
    })),
  }
}
