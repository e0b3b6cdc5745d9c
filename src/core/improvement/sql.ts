/** Every statement of this room, named by what it answers. */
export const SQL = {
  insertRun: `INSERT INTO run (id, status, started_at, base, base_tree, branch, request, pid, pid_start, boot_id, job_id)
              VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  finishRun: `UPDATE run SET status = ?, finished_at = ?, summary = ?, record_path = ?, exit_code = ? WHERE id = ?`,
  runById: `SELECT * FROM run WHERE id = ?`,
  runsLike: `SELECT id FROM run WHERE id >= ? AND id < ? LIMIT 3`,
  latestRuns: `SELECT * FROM run ORDER BY rowid DESC LIMIT ?`,
  /** What the latest runs could not see, a row each, the latest run first. */
  blindSpots: `SELECT seen.id AS run, seen.base, spot.value AS spot
               FROM (SELECT id, base, summary FROM run WHERE json_array_length(summary, '$.blind_spots') > 0 ORDER BY rowid DESC LIMIT ?) AS seen,
                    json_each(seen.summary, '$.blind_spots') AS spot`,
  runsOfJob: `SELECT * FROM run WHERE job_id = ? ORDER BY rowid`,
  openRuns: `SELECT * FROM run WHERE status = 'running'`,
  insertCandidate: `INSERT INTO candidate (id, run_id, parent, ordinal, title, source_kind, source_id, fingerprint, risk, state,
                    files, sites, evidence, created_at, updated_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'proposed', ?, ?, ?, ?, ?)`,
  candidateById: `SELECT * FROM candidate WHERE id = ?`,
  candidatesLike: `SELECT id FROM candidate WHERE id >= ? AND id < ? LIMIT 3`,
  candidatesOfRun: `SELECT * FROM candidate WHERE run_id = ? ORDER BY ordinal, id`,
  candidatesInState: `SELECT * FROM candidate WHERE state = ? ORDER BY created_at, id`,
  candidatesAlike: `SELECT * FROM candidate WHERE fingerprint = ? AND state IN (SELECT value FROM json_each(?)) ORDER BY updated_at DESC, id`,
  /** One page of what waits; everything holds an empty search. */
  waiting: `SELECT * FROM candidate WHERE state IN (SELECT value FROM json_each(?)) AND (created_at, id) > (?, ?)
            AND instr(lower(title || ' ' || id || ' ' || files), lower(?)) > 0 ORDER BY created_at, id LIMIT ?`,
  countWaiting: `SELECT count(*) AS count FROM candidate WHERE state IN (SELECT value FROM json_each(?))
                 AND instr(lower(title || ' ' || id || ' ' || files), lower(?)) > 0`,
  /** Why candidates of a source came to nothing, the latest first. */
  rolledBack: `SELECT * FROM candidate WHERE source_kind = ? AND source_id = ? AND verdict = 'roll_back' ORDER BY updated_at DESC, id LIMIT ?`,
  madeBy: `SELECT * FROM candidate WHERE source_kind = ? AND source_id = ? AND state IN (SELECT value FROM json_each(?)) ORDER BY created_at DESC, id`,
  /** What was decided, the latest first: landed, taken back, rolled back or declined. */
  decided: `SELECT id, title, source_kind AS kind, source_id AS source, state, reasons, files, updated_at AS at FROM candidate
            WHERE state IN ('landed', 'observing', 'confirmed', 'undone', 'declined') OR verdict = 'roll_back'
            ORDER BY updated_at DESC, id LIMIT ?`,
  moveCandidate: `UPDATE candidate SET state = ?, updated_at = ? WHERE id = ? AND state = ?`,
  saveCommit: `UPDATE candidate SET base_oid = ?, commit_oid = ?, tree_oid = ?, diff_hash = ?, files = ?, sites = ?, updated_at = ? WHERE id = ?`,
  saveVerdict: `UPDATE candidate SET verdict = ?, reasons = ?, risk = ?, sites = ?, evidence = ?, updated_at = ? WHERE id = ?`,
  saveLanding: `UPDATE candidate SET landed_oid = ?, target_ref = ?, updated_at = ? WHERE id = ?`,
  saveUndo: `UPDATE candidate SET undo_oid = ?, updated_at = ? WHERE id = ?`,
  saveReasons: `UPDATE candidate SET reasons = ?, updated_at = ? WHERE id = ?`,
  decline: `INSERT INTO declined (fingerprint, candidate_id, outcome, reason, at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (fingerprint) DO UPDATE SET candidate_id = excluded.candidate_id, outcome = excluded.outcome,
            reason = excluded.reason, at = excluded.at`,
  declined: `SELECT fingerprint FROM declined WHERE fingerprint = ?`,
  appendEvent: `INSERT INTO event (at, name, run_id, candidate_id, data) VALUES (?, ?, ?, ?, ?)`,
  candidateEvents: `SELECT at, name, data FROM event WHERE candidate_id = ? ORDER BY seq`,
  readCache: `SELECT data FROM measurement_cache WHERE key = ?`,
  writeCache: `INSERT INTO measurement_cache (key, kind, data, created_at) VALUES (?, ?, ?, ?)
               ON CONFLICT (key) DO UPDATE SET data = excluded.data, created_at = excluded.created_at`,
  consent: `SELECT name FROM consent WHERE name = ?`,
  grantConsent: `INSERT INTO consent (name, granted_by, granted_at, detail) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
} as const
