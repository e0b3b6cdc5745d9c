/** The named statements of index files. */
export const SQL = {
  getMeta: 'SELECT value FROM meta WHERE key = ?',
  setMeta: 'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',

  worktree: 'SELECT id, path, used_at AS usedAt, complete, version FROM worktree WHERE path = ?',
  worktrees: 'SELECT id, path, used_at AS usedAt, complete, version FROM worktree ORDER BY used_at DESC, id DESC',
  addWorktree: 'INSERT INTO worktree (path, used_at) VALUES (?, ?) RETURNING id',
  useWorktree: 'UPDATE worktree SET used_at = ?, complete = ?, version = ? WHERE id = ?',
  dropWorktree: 'DELETE FROM worktree WHERE id = ?',

  files: `SELECT file.id, file.path, file.oid, file.claimed, file.blob, file.size, file.mtime, file.ctime, file.inode, file.class, file.listed, file.reason,
      blob.language, blob.key FROM file LEFT JOIN blob ON blob.id = file.blob WHERE file.worktree = ?`,
  addFile: `INSERT INTO file (worktree, path, oid, claimed, blob, size, mtime, ctime, inode, class, listed, reason)
      VALUES (@worktree, @path, @oid, @claimed, @blob, @size, @mtime, @ctime, @inode, @class, @listed, @reason) RETURNING id`,
  touchFile: 'UPDATE file SET claimed = @claimed, size = @size, mtime = @mtime, ctime = @ctime, inode = @inode WHERE id = @id',
  dropFile: 'DELETE FROM file WHERE id = ?',
  classes: 'SELECT class, reason, count(*) AS files FROM file WHERE worktree = ? GROUP BY class, reason ORDER BY files DESC, class, reason',
  languages: `SELECT blob.language, blob.tier, count(*) AS files, sum(blob.bytes) AS bytes FROM file JOIN blob ON blob.id = file.blob
      WHERE file.worktree = ? GROUP BY blob.language, blob.tier ORDER BY files DESC, blob.language`,

  blob: 'SELECT id FROM blob WHERE oid = ? AND language = ? AND key = ?',
  addBlob: `INSERT INTO blob (oid, language, key, tier, engine, partial, bytes, facts)
      VALUES (@oid, @language, @key, @tier, @engine, @partial, @bytes, @facts) RETURNING id`,
  unusedBlobs: 'SELECT id FROM blob WHERE id NOT IN (SELECT blob FROM file WHERE blob IS NOT NULL) ORDER BY id',
  dropBlob: 'DELETE FROM blob WHERE id = ?',

  chunks: `SELECT id, place, line, line_end AS lineEnd, byte_start AS start, byte_end AS end, symbol, name, kind, hash
      FROM chunk WHERE blob = ? ORDER BY place`,
  addChunk: `INSERT INTO chunk (blob, place, line, line_end, byte_start, byte_end, symbol, name, kind, hash)
      VALUES (@blob, @place, @line, @lineEnd, @start, @end, @symbol, @name, @kind, @hash) RETURNING id`,
  addSymbol: `INSERT INTO symbol (blob, name, folded, kind, container, line, line_end, col, chunk)
      VALUES (@blob, @name, @folded, @kind, @container, @line, @lineEnd, @column, @chunk)`,
  symbolsOf: `SELECT name, kind, container, line, line_end AS lineEnd, col AS column, chunk FROM symbol WHERE blob = ? ORDER BY line, col, name`,

  docsOf: 'SELECT id FROM doc WHERE file = ?',
  addDoc: 'INSERT INTO doc (file, chunk) VALUES (?, ?) RETURNING id',

  addVector: 'INSERT INTO embedding (model, hash, vector) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  dropOtherVectors: 'DELETE FROM embedding WHERE model <> ?',
  dropOtherCards: "DELETE FROM meta WHERE key GLOB 'space *' AND key <> ?",
  models: 'SELECT DISTINCT model AS id FROM embedding ORDER BY model',
  dropUnusedVectors: 'DELETE FROM embedding WHERE hash NOT IN (SELECT hash FROM chunk)',
  missingVectors: `SELECT chunk.hash, min(chunk.symbol) AS symbol, chunk.byte_start AS start, chunk.byte_end AS end, file.path, file.oid
      FROM file JOIN doc ON doc.file = file.id JOIN chunk ON chunk.id = doc.chunk
      WHERE file.worktree = @worktree AND NOT EXISTS (SELECT 1 FROM embedding WHERE model = @model AND embedding.hash = chunk.hash)
      GROUP BY chunk.hash ORDER BY file.path, chunk.byte_start`,
  countMissing: `SELECT count(*) AS missing FROM file JOIN doc ON doc.file = file.id JOIN chunk ON chunk.id = doc.chunk
      WHERE file.worktree = @worktree AND NOT EXISTS (SELECT 1 FROM embedding WHERE model = @model AND embedding.hash = chunk.hash)`,
  countVectors: `SELECT count(DISTINCT chunk.hash) AS vectors FROM file JOIN doc ON doc.file = file.id JOIN chunk ON chunk.id = doc.chunk
      JOIN embedding ON embedding.model = @model AND embedding.hash = chunk.hash WHERE file.worktree = @worktree`,
  vectors: `SELECT doc.id, embedding.vector FROM file JOIN doc ON doc.file = file.id JOIN chunk ON chunk.id = doc.chunk
      JOIN embedding ON embedding.model = @model AND embedding.hash = chunk.hash WHERE file.worktree = @worktree`,

  counts: `SELECT (SELECT count(*) FROM file WHERE worktree = @worktree) AS files,
      (SELECT count(*) FROM doc JOIN file ON file.id = doc.file WHERE file.worktree = @worktree) AS docs,
      (SELECT count(*) FROM blob) AS blobs, (SELECT count(*) FROM chunk) AS chunks, (SELECT count(*) FROM symbol) AS symbols`,

  symbolHits: `SELECT symbol.name, symbol.kind, symbol.container, symbol.line, symbol.line_end AS lineEnd, symbol.chunk, file.id AS file
      FROM symbol JOIN file ON file.blob = symbol.blob WHERE symbol.folded = @folded AND file.worktree = @worktree AND file.class IN ('source', 'test')`,
  candidates: `SELECT doc.id, doc.file, doc.chunk, file.path, file.class, file.oid, blob.language, chunk.line, chunk.line_end AS lineEnd,
      chunk.byte_start AS start, chunk.byte_end AS end, chunk.symbol, chunk.name, chunk.kind, chunk.hash, chunk.blob
      FROM doc JOIN file ON file.id = doc.file JOIN chunk ON chunk.id = doc.chunk JOIN blob ON blob.id = chunk.blob WHERE doc.id = ?`,
  docOf: 'SELECT id FROM doc WHERE file = ? AND chunk = ?',
} as const

/** The words of one worktree: contentless, so that no text is kept twice. */
export const fts = {
  create: (id: number): string =>
    `CREATE VIRTUAL TABLE IF NOT EXISTS fts_${id} USING fts5(path, name, body, content='', contentless_delete=1, tokenize='porter unicode61')`,
  drop: (id: number): string => `DROP TABLE IF EXISTS fts_${id}`,
  add: (id: number): string => `INSERT INTO fts_${id} (rowid, path, name, body) VALUES (?, ?, ?, ?)`,
  remove: (id: number): string => `DELETE FROM fts_${id} WHERE rowid = ?`,
  size: (id: number): string => `SELECT sz AS value FROM fts_${id}_docsize WHERE id = ?`,
  sizes: (id: number): string => `SELECT sz AS value FROM fts_${id}_docsize`,
  totals: (id: number): string => `SELECT block AS value FROM fts_${id}_data WHERE id = 1`,
  setTotals: (id: number): string => `UPDATE fts_${id}_data SET block = ? WHERE id = 1`,
  /** Weights of path, name and body. Smaller is better. */
  rank: (id: number): string => `bm25(fts_${id}, 2.0, 3.0, 1.0)`,
  match: (id: number): string => `SELECT rowid AS id, ${fts.rank(id)} AS rank FROM fts_${id} WHERE fts_${id} MATCH ? ORDER BY rank LIMIT ?`,
  ties: (id: number): string =>
    `SELECT rowid AS id, ${fts.rank(id)} AS rank FROM fts_${id} WHERE fts_${id} MATCH ? AND ${fts.rank(id)} = ?`,
}
