import type { Database } from '../storage/index.ts'
import type { Analysis, ChunkRow, SymbolRow, Words } from './analyze.ts'
import type { Classified } from './file-class.ts'
import type { FileStat } from './listing.ts'
import { SQL, fts } from './sql.ts'
import { keepTotals } from './totals.ts'
import { dropUnusedVectors } from './vector-store.ts'

export type WorktreeRow = {
  id: number
  path: string
  usedAt: number
  complete: number
  version: string | null
  listing: string | null
  revision: number
}

export type FileRow = Classified &
  FileStat & {
    id: number
    path: string
    oid: string
    claimed: string | null
    /** What its path alone said. */
    listed: string
    blob: number | null
    language: string | null
    key: string | null
  }

/** A file as it has to be from now on; `blob` is `null` where it is in no search. */
export type FileEntry = Classified &
  FileStat & { path: string; oid: string; claimed: string | null; listed: string; blob: BlobEntry | null }

export type BlobEntry = { key: string; bytes: Uint8Array; size: number; analysis: Analysis | { id: number } }

/** Worktrees whose words are kept. */
export const KEPT_WORKTREES = 4

/** The row of a worktree; the least recently used beyond four go. */
export function openWorktree(db: Database, path: string, now: number): WorktreeRow {
  return db.transaction(() => {
    const known = db.get<WorktreeRow>(SQL.worktree, path)
    if (known !== undefined) return known
    const id = db.get<{ id: number }>(SQL.addWorktree, path, now)!.id
    db.run(fts.create(id))
    for (const old of db
      .all<WorktreeRow>(SQL.worktrees)
      .filter((each) => each.id !== id)
      .slice(KEPT_WORKTREES - 1))
      dropWorktree(db, old.id)
    return { id, path, usedAt: now, complete: 0, version: null, listing: null, revision: 0 }
  })
}

export function dropWorktree(db: Database, id: number): void {
  db.transaction(() => {
    db.run(fts.drop(id))
    db.run(SQL.dropWorktree, id)
  })
}

export function readFiles(db: Database, worktree: number): Map<string, FileRow> {
  return new Map(db.all<FileRow>(SQL.files, worktree).map((row) => [row.path, row]))
}

/** Replaces files of a worktree, in one transaction that leaves a true index. */
export function writeFiles(
  db: Database,
  worktree: number,
  gone: readonly FileRow[],
  entries: readonly FileEntry[],
  wordsOf: (entry: FileEntry, bytes: Uint8Array, chunk: ChunkRow, symbols: readonly SymbolRow[]) => Words,
): number {
  return db.transaction(() => {
    let added = 0
    db.run(SQL.changeWorktree, worktree)
    keepTotals(db, worktree, (remove) => {
      for (const { id } of gone) {
        for (const doc of db.all<{ id: number }>(SQL.docsOf, id)) remove(doc.id)
        db.run(SQL.dropFile, id)
      }
      for (const entry of entries) {
        const { path, oid, claimed, size, mtime, ctime, inode, reason, listed, blob } = entry
        const id = blob === null ? null : storeBlob(db, oid, blob)
        const row = { worktree, path, oid, claimed, blob: id, size, mtime, ctime, inode, class: entry.class, listed, reason }
        const file = db.get<{ id: number }>(SQL.addFile, row)!.id
        if (id === null) continue
        const symbols = db.all<SymbolRow>(SQL.symbolsOf, id)
        for (const chunk of db.all<ChunkRow & { id: number }>(SQL.chunks, id)) {
          const words = wordsOf(entry, blob!.bytes, chunk, symbols)
          const doc = db.get<{ id: number }>(SQL.addDoc, file, chunk.id)!.id
          db.run(SQL.addFresh, doc)
          db.run(fts.add(worktree), doc, words.path, words.name, words.body)
          added++
        }
      }
    })
    return added
  })
}

export function findBlob(db: Database, oid: string, language: string, key: string): number | undefined {
  return db.get<{ id: number }>(SQL.blob, oid, language, key)?.id
}

function storeBlob(db: Database, oid: string, { key, analysis, size }: BlobEntry): number {
  if ('id' in analysis) return analysis.id
  const { language, tier, engine, partial, facts, chunks, symbols } = analysis
  const known = findBlob(db, oid, language, key) // twice in one batch
  if (known !== undefined) return known
  const blob = db.get<{ id: number }>(SQL.addBlob, { oid, language, key, tier, engine, partial, bytes: size, facts })!.id
  for (const { place, line, lineEnd, start, end, symbol, name, kind, hash } of chunks)
    db.get(SQL.addChunk, { blob, place, line, lineEnd, start, end, symbol, name, kind, hash })
  for (const symbol of symbols) db.run(SQL.addSymbol, { blob, ...symbol, folded: symbol.name.toLowerCase() })
  return blob
}

/** Forgets what no file of any worktree has; answers how many blobs went. `keep`: so many of the newest stay, for the next branch switch. */
export function pruneBlobs(db: Database, keep = 0): number {
  const unused = db.all<{ id: number }>(SQL.unusedBlobs)
  const gone = unused.slice(0, Math.max(0, unused.length - keep))
  if (gone.length > 0)
    db.transaction(() => {
      for (const { id } of gone) db.run(SQL.dropBlob, id)
      dropUnusedVectors(db, keep)
    })
  return gone.length
}
