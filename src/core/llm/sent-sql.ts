/** The named statements over what left the machine (state.db). */
export const SENT_SQL = {
  consent: 'SELECT name FROM consent WHERE name = ?',
  grant: `INSERT INTO consent (name, granted_by, granted_at, detail) VALUES (?, ?, ?, 'asked') ON CONFLICT (name) DO NOTHING`,
  revoke: 'DELETE FROM consent WHERE name = ?',
  add: `INSERT INTO sent_text (host, model, purpose, pieces, bytes, first_at, last_at)
      VALUES (@host, @model, @purpose, @pieces, @bytes, @at, @at)
      ON CONFLICT (host, model, purpose) DO UPDATE SET pieces = pieces + excluded.pieces, bytes = bytes + excluded.bytes, last_at = excluded.last_at`,
  list: 'SELECT host, model, purpose, pieces, bytes, first_at, last_at FROM sent_text ORDER BY host, model, purpose',
} as const
