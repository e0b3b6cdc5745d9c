const APPROVAL = `id, candidate_id, status, diff_hash, evidence_hash, requested_at, expires_at, decided_at, decided_by, via, reason, overrides`
const QUESTION = `id, candidate_id, run_id, session_id, text, asked_by, asked_at, answer, answered_by, answered_at`

/** Every statement of this room, named by what it answers. */
export const SQL = {
  insert: `INSERT INTO approval (id, candidate_id, status, token_hash, diff_hash, evidence_hash, requested_at, expires_at)
           VALUES (?, ?, 'open', ?, ?, ?, ?, ?)`,
  byId: `SELECT ${APPROVAL} FROM approval WHERE id = ?`,
  latestOf: `SELECT ${APPROVAL} FROM approval WHERE candidate_id = ? ORDER BY rowid DESC LIMIT 1`,
  open: `SELECT ${APPROVAL} FROM approval WHERE status = 'open' ORDER BY requested_at, id`,
  /** The claim: of two racing answers exactly one changes a row. */
  claim: `UPDATE approval SET status = ?, decided_at = ?, decided_by = ?, via = ?, reason = ?, overrides = ?
          WHERE candidate_id = ? AND status = 'open' AND diff_hash = ? AND evidence_hash = ? AND expires_at > ?
          AND token_hash = coalesce(?, token_hash)`,
  appendEvent: `INSERT INTO event (at, name, run_id, candidate_id, data)
                SELECT ?, ?, run_id, id, ? FROM candidate WHERE id = ?`,
  voidOpen: `UPDATE approval SET status = 'void', decided_at = ?, reason = ? WHERE candidate_id = ? AND status = 'open'`,
  expire: `UPDATE approval SET status = 'expired', decided_at = ? WHERE status = 'open' AND expires_at <= ? RETURNING candidate_id`,
  insertQuestion: `INSERT INTO question (id, candidate_id, text, asked_by, asked_at) VALUES (?, ?, ?, ?, ?)`,
  /** Each call of a conversation asks once, however often it is begun again. */
  insertRunQuestion: `INSERT INTO question (id, run_id, session_id, turn, call_id, token_hash, text, asked_by, asked_at)
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  questionOfCall: `SELECT ${QUESTION} FROM question WHERE session_id = ? AND turn = ? AND call_id = ?`,
  /** Who goes on with a conversation waits for its answers. */
  moveQuestion: `UPDATE question SET run_id = ? WHERE id = ?`,
  attachQuestions: `UPDATE question SET candidate_id = ? WHERE session_id = ? AND candidate_id IS NULL`,
  questionToken: `SELECT token_hash AS hash FROM question WHERE id = ? AND token_hash IS NOT NULL`,
  appendRunEvent: `INSERT INTO event (at, name, run_id, data) VALUES (?, ?, ?, ?)`,
  questionById: `SELECT ${QUESTION} FROM question WHERE id = ?`,
  questionsOf: `SELECT ${QUESTION} FROM question WHERE candidate_id = ? ORDER BY asked_at, id`,
  openQuestions: `SELECT ${QUESTION} FROM question WHERE answered_at IS NULL ORDER BY asked_at, id`,
  answer: `UPDATE question SET answer = ?, answered_by = ?, answered_at = ? WHERE id = ? AND answered_at IS NULL`,
  /** The open request this token and diff belong to. */
  openWith: `SELECT ${APPROVAL} FROM approval WHERE candidate_id = ? AND status = 'open' AND token_hash = ? AND diff_hash = ? AND expires_at > ?`,
} as const
