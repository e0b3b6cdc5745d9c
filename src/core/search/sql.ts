/** The named statements of index files. */
export const SQL = {
  getMeta: 'SELECT value FROM meta WHERE key = ?',
  setMeta: 'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',

  worktree: 'SELECT id, path, used_at AS usedAt, complete, version, listing, revision FROM worktree WHERE path = ?',
  worktrees: 'SELECT id, path, used_at AS usedAt, complete, version, listing, revision FROM worktree ORDER BY used_at DESC, id DESC',
  addWorktree: 'INSERT INTO worktree (path, used_at) VALUES (?, ?) RETURNING id',
  useWorktree: 'UPDATE worktree SET used_at = ?, complete = ?, version = ?, listing = ? WHERE id = ?',
  remember: 'UPDATE worktree SET listing = ? WHERE id = ?',
  changeWorktree: 'UPDATE worktree SET listing = NULL, revision = revision + 1 WHERE id = ?',
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
  searchedFiles: `SELECT file.id, file.path, blob.language FROM file JOIN blob ON blob.id = file.blob WHERE file.worktree = ?`,
  /** Files whose bytes git does not vouch for. */
  unsureFiles: `SELECT id, path, oid, claimed, size, mtime, ctime, inode FROM file WHERE worktree = ? AND (claimed IS NULL OR claimed <> oid)`,
  addDoc: 'INSERT INTO doc (file, chunk) VALUES (?, ?) RETURNING id',

  addFresh: 'INSERT INTO fresh (doc) VALUES (?)',
  dropFresh: 'DELETE FROM fresh WHERE (SELECT file.worktree FROM doc JOIN file ON file.id = doc.file WHERE doc.id = fresh.doc) = ?',
  embedded: 'UPDATE worktree SET embedded = ? WHERE id = ?',
  forgetEmbedded: 'UPDATE worktree SET embedded = NULL WHERE embedded <> ?',
  space: 'SELECT id, model, dimensions, generation, last, count, segments, vec0 FROM vector_space WHERE model = ?',
  spaces: 'SELECT id, model, dimensions, generation, last, count, segments, vec0 FROM vector_space',
  addSpace: 'INSERT INTO vector_space (model) VALUES (?) RETURNING id, model, dimensions, generation, last, count, segments, vec0',
  growSpace: 'UPDATE vector_space SET dimensions = ?, last = ?, count = ? WHERE id = ?',
  shrinkSpaces: `UPDATE vector_space SET generation = generation + 1,
      last = coalesce((SELECT max(id) FROM embedding WHERE model = vector_space.model AND length(vector) > 0), 0),
      count = (SELECT count(*) FROM embedding WHERE model = vector_space.model AND length(vector) > 0)`,
  dropSpace: 'DELETE FROM vector_space WHERE id = ?',
  segments: 'SELECT ids, vectors FROM segment WHERE space = ? ORDER BY id',
  lastSegment: 'SELECT id, ids, vectors FROM segment WHERE space = ? ORDER BY id DESC LIMIT 1',
  addSegment: 'INSERT INTO segment (space, ids, vectors) VALUES (?, ?, ?)',
  dropSegment: 'DELETE FROM segment WHERE id = ?',
  dropSegments: 'DELETE FROM segment WHERE space = ?',
  segmentsHold: 'UPDATE vector_space SET segments = ? WHERE id = ?',
  vec0Holds: 'UPDATE vector_space SET vec0 = ? WHERE id = ?',
  vec0Tables: `SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ?`,

  addVector: 'INSERT INTO embedding (model, hash, vector) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id',
  dropOtherVectors: 'DELETE FROM embedding WHERE model <> ?',
  dropUnusedVectors: 'DELETE FROM embedding WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.hash = embedding.hash)',
  countUnusedVectors: 'SELECT count(*) AS count FROM embedding WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.hash = embedding.hash)',
  vectorsAfter: 'SELECT id, vector FROM embedding WHERE +model = ? AND id > ? AND length(vector) > 0 ORDER BY id LIMIT ?',
  vectorById: 'SELECT vector FROM embedding WHERE id = ?',
  vectorByHash: 'SELECT vector FROM embedding WHERE model = ? AND hash = ?',
  // in this order: few pieces have one vector, a worktree has many files
  docsOfVector: `SELECT doc.id FROM embedding CROSS JOIN chunk ON chunk.hash = embedding.hash CROSS JOIN doc ON doc.chunk = chunk.id
      CROSS JOIN file ON file.id = doc.file WHERE embedding.id = ? AND file.worktree = ?`,
  vectorOfDoc: `SELECT embedding.vector FROM doc JOIN chunk ON chunk.id = doc.chunk JOIN embedding ON embedding.model = ? AND embedding.hash = chunk.hash
      WHERE doc.id = ?`,
  dropOtherCards: "DELETE FROM meta WHERE key GLOB 'space *' AND key <> ?",
  models: 'SELECT model AS id FROM vector_space ORDER BY model',
  countMissing: `SELECT count(DISTINCT chunk.hash) AS missing FROM file JOIN doc ON doc.file = file.id JOIN chunk ON chunk.id = doc.chunk
      WHERE file.worktree = @worktree AND NOT EXISTS (SELECT 1 FROM embedding WHERE model = @model AND embedding.hash = chunk.hash)`,
  countMissingFresh: `SELECT count(DISTINCT chunk.hash) AS missing
      FROM fresh CROSS JOIN doc ON doc.id = fresh.doc CROSS JOIN file ON file.id = doc.file CROSS JOIN chunk ON chunk.id = doc.chunk
      WHERE file.worktree = @worktree AND NOT EXISTS (SELECT 1 FROM embedding WHERE model = @model AND embedding.hash = chunk.hash)`,
  missingVectors: `SELECT chunk.hash, min(chunk.symbol) AS symbol, chunk.byte_start AS start, chunk.byte_end AS end, file.path, file.oid
      FROM file JOIN doc ON doc.file = file.id JOIN chunk ON chunk.id = doc.chunk
      WHERE file.worktree = @worktree AND NOT EXISTS (SELECT 1 FROM embedding WHERE model = @model AND embedding.hash = chunk.hash)
      GROUP BY chunk.hash ORDER BY file.path, chunk.byte_start`,
  missingFresh: `SELECT chunk.hash, min(chunk.symbol) AS symbol, chunk.byte_start AS start, chunk.byte_end AS end, file.path, file.oid
      FROM fresh CROSS JOIN doc ON doc.id = fresh.doc CROSS JOIN file ON file.id = doc.file CROSS JOIN chunk ON chunk.id = doc.chunk
      WHERE file.worktree = @worktree AND NOT EXISTS (SELECT 1 FROM embedding WHERE model = @model AND embedding.hash = chunk.hash)
      GROUP BY chunk.hash ORDER BY file.path, chunk.byte_start`,
  hasFresh:
    'SELECT 1 AS fresh FROM fresh CROSS JOIN doc ON doc.id = fresh.doc CROSS JOIN file ON file.id = doc.file WHERE file.worktree = ? LIMIT 1',
  countVectors: `SELECT count(DISTINCT chunk.hash) AS vectors FROM file JOIN doc ON doc.file = file.id JOIN chunk ON chunk.id = doc.chunk
      JOIN embedding ON embedding.model = @model AND embedding.hash = chunk.hash WHERE file.worktree = @worktree`,

  counts: `SELECT (SELECT count(*) FROM file WHERE worktree = @worktree) AS files,
      (SELECT count(*) FROM doc JOIN file ON file.id = doc.file WHERE file.worktree = @worktree) AS docs,
      (SELECT count(*) FROM blob) AS blobs, (SELECT count(*) FROM chunk) AS chunks, (SELECT count(*) FROM symbol) AS symbols`,

  symbolHits: `SELECT symbol.name, symbol.kind, symbol.container, symbol.line, symbol.line_end AS lineEnd, symbol.chunk, file.id AS file
      FROM symbol CROSS JOIN file ON file.blob = symbol.blob WHERE symbol.folded = @folded AND file.worktree = @worktree AND file.class IN ('source', 'test')`,
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
  any: (id: number): string => `SELECT rowid FROM fts_${id} WHERE fts_${id} MATCH ? LIMIT 1`,
  match: (id: number): string => `SELECT rowid AS id, ${fts.rank(id)} AS rank FROM fts_${id} WHERE fts_${id} MATCH ? ORDER BY rank LIMIT ?`,
  count: (id: number): string => `SELECT count(*) AS count FROM fts_${id} WHERE fts_${id} MATCH ?`,
  // the plus sign keeps SQLite from asking the table of words once per row
  matchAlso: (id: number): string =>
    `SELECT rowid AS id, ${fts.rank(id)} AS rank FROM fts_${id} WHERE fts_${id} MATCH ?
      AND +rowid IN (SELECT rowid FROM fts_${id} WHERE fts_${id} MATCH ?) ORDER BY rank LIMIT ?`,
  matchAmong: (id: number): string =>
    `SELECT rowid AS id, ${fts.rank(id)} AS rank FROM fts_${id} WHERE fts_${id} MATCH ?
      AND +rowid IN (SELECT value FROM json_each(?)) ORDER BY rank`,
  ties: (id: number): string =>
    `SELECT rowid AS id, ${fts.rank(id)} AS rank FROM fts_${id} WHERE fts_${id} MATCH ? AND ${fts.rank(id)} = ?`,
}

/** The vectors of one space by sqlite-vec: brute force over int8, made from the rows and never believed by itself. */
export const vec0 = {
  create: (id: number, dimensions: number): string => `CREATE VIRTUAL TABLE vec_${id} USING vec0(vector int8[${dimensions}])`,
  drop: (id: number): string => `DROP TABLE IF EXISTS vec_${id}`,
  add: (id: number): string => `INSERT INTO vec_${id} (rowid, vector) VALUES (CAST(? AS INTEGER), vec_int8(?))`,
  count: (id: number): string => `SELECT count(*) AS count FROM vec_${id}_rowids`,
  /** Nearest first; the distance is no square. */
  nearest: (id: number): string => `SELECT rowid, distance FROM vec_${id} WHERE vector MATCH vec_int8(?) AND k = ? ORDER BY distance`,
  all: (id: number): string => `SELECT rowid, vector FROM vec_${id} ORDER BY rowid`,
}
