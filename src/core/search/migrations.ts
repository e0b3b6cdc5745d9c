/** Generation of the file format; a file of another one is rebuilt beside the old. */
export const INDEX_SCHEMA = 2

/** Marks index files as ours ("Sidx" in ASCII). */
export const INDEX_APPLICATION_ID = 0x53_69_64_78

const FIRST = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- What bytes say: shared by worktrees and branches.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,
  oid TEXT NOT NULL,
  language TEXT NOT NULL,
  key TEXT NOT NULL,
  tier INTEGER NOT NULL,
  engine TEXT NOT NULL,
  partial TEXT,
  bytes INTEGER NOT NULL,
  facts TEXT NOT NULL,
  UNIQUE (oid, language, key)
);
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY,
  blob INTEGER NOT NULL REFERENCES blob ON DELETE CASCADE,
  place INTEGER NOT NULL,
  line INTEGER NOT NULL,
  line_end INTEGER NOT NULL,
  byte_start INTEGER NOT NULL,
  byte_end INTEGER NOT NULL,
  symbol TEXT,
  name TEXT,
  kind TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (blob, place)
);
CREATE TABLE symbol (
  blob INTEGER NOT NULL REFERENCES blob ON DELETE CASCADE,
  name TEXT NOT NULL,
  folded TEXT NOT NULL,
  kind TEXT NOT NULL,
  container TEXT,
  line INTEGER NOT NULL,
  line_end INTEGER NOT NULL,
  col INTEGER NOT NULL,
  chunk INTEGER NOT NULL
);
CREATE INDEX symbol_name ON symbol (folded);
CREATE INDEX symbol_blob ON symbol (blob);

-- By content and model: shared by everything that has the same piece.
CREATE TABLE embedding (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  hash TEXT NOT NULL,
  vector BLOB NOT NULL,
  UNIQUE (model, hash)
);
CREATE INDEX chunk_hash ON chunk (hash);

-- The rows of one model, and what is made of them to find near ones faster: each form says which state of the rows it holds
-- (generation/last/count). A vector that goes raises the generation; within one, rows are only added.
CREATE TABLE vector_space (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL UNIQUE,
  dimensions INTEGER NOT NULL DEFAULT 0,
  generation INTEGER NOT NULL DEFAULT 0,
  last INTEGER NOT NULL DEFAULT 0,
  count INTEGER NOT NULL DEFAULT 0,
  segments TEXT,
  vec0 TEXT
);
CREATE TABLE segment (
  id INTEGER PRIMARY KEY,
  space INTEGER NOT NULL REFERENCES vector_space ON DELETE CASCADE,
  ids BLOB NOT NULL,
  vectors BLOB NOT NULL
);
CREATE INDEX segment_space ON segment (space);

-- What belongs to one worktree.
CREATE TABLE worktree (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  used_at INTEGER NOT NULL,
  complete INTEGER NOT NULL DEFAULT 0,
  version TEXT,
  -- what git said when the rows were last in line with it, as a digest
  listing TEXT,
  -- raised with every change of its files
  revision INTEGER NOT NULL DEFAULT 0,
  -- the model that has a vector for every piece, but for those in the table fresh
  embedded TEXT
);
CREATE TABLE file (
  id INTEGER PRIMARY KEY,
  worktree INTEGER NOT NULL REFERENCES worktree ON DELETE CASCADE,
  path TEXT NOT NULL,
  oid TEXT NOT NULL,
  claimed TEXT,
  blob INTEGER REFERENCES blob,
  size INTEGER NOT NULL,
  mtime REAL NOT NULL,
  ctime REAL NOT NULL,
  inode INTEGER NOT NULL,
  class TEXT NOT NULL,
  listed TEXT NOT NULL,
  reason TEXT,
  UNIQUE (worktree, path)
);
CREATE INDEX file_blob ON file (blob);
CREATE INDEX file_unsure ON file (worktree) WHERE claimed IS NULL OR claimed <> oid;
CREATE TABLE doc (
  id INTEGER PRIMARY KEY,
  file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
  chunk INTEGER NOT NULL REFERENCES chunk
);
CREATE INDEX doc_file ON doc (file);
CREATE INDEX doc_chunk ON doc (chunk);
-- Pieces that nobody looked at for a vector yet.
CREATE TABLE fresh (doc INTEGER PRIMARY KEY REFERENCES doc ON DELETE CASCADE);

-- One row per path and content, whichever worktrees have it; bare columns are those of the newest analysis (the row of max).
CREATE VIEW ast_cache AS
  SELECT file.path AS file_path, blob.oid AS file_hash, blob.language AS language, blob.facts AS ast_json,
         json_object('tier', blob.tier, 'engine', blob.engine, 'partial', blob.partial, 'key', blob.key, 'blob', max(blob.id),
                     'worktrees', json_group_array(DISTINCT worktree.path)) AS metadata
  FROM file JOIN blob ON blob.id = file.blob JOIN worktree ON worktree.id = file.worktree
  GROUP BY file.path, blob.oid;
`

export const INDEX_MIGRATIONS: readonly string[] = [FIRST]
