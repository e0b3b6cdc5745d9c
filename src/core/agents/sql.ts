/** Every statement of this room, named by what it answers. */
export const SQL = {
  /** The attempts of a run that did not come to its end: cut off, or out of money or time. */
  unfinishedGroup: `SELECT agent_session.* FROM agent_session JOIN run ON run.id = agent_session.run_id
                    WHERE task_key = ? AND run.id <> ? AND run.status <> 'finished'
                    AND (state = 'open' OR (state = 'done' AND tree_oid IS NOT NULL)) ORDER BY agent_session.rowid DESC LIMIT 1`,
  sessionInGroup: `SELECT * FROM agent_session WHERE task_key = ? AND group_id = ? AND ordinal = ? AND state <> 'stopped'
                   ORDER BY rowid DESC LIMIT 1`,
  insertSession: `INSERT INTO agent_session (id, run_id, group_id, task_key, goal, base, ordinal, opening, state, pid, pid_start, boot_id, started_at)
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?)`,
  adoptSession: `UPDATE agent_session SET run_id = ?, pid = ?, pid_start = ?, boot_id = ? WHERE id = ? AND pid = ? AND pid_start = ? AND boot_id = ?`,
  finishSession: `UPDATE agent_session SET state = ?, stop = ?, summary = ?, tree_oid = ?, finished_at = ? WHERE id = ?`,
  sessionById: `SELECT * FROM agent_session WHERE id = ?`,
  sessionOfTree: `SELECT * FROM agent_session WHERE run_id = ? AND tree_oid = ? ORDER BY rowid DESC LIMIT 1`,
  lastSessionOf: `SELECT * FROM agent_session WHERE run_id = ? AND state = 'done' ORDER BY rowid DESC LIMIT 1`,
  addTurn: `INSERT INTO agent_turn (session_id, turn, request_id, request_hash, answer, results, note, reads, checkpoint, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  answerTurn: `UPDATE agent_turn SET results = ? WHERE session_id = ? AND turn = ?`,
  turnsOf: `SELECT * FROM agent_turn WHERE session_id = ? ORDER BY turn`,
  /** Which run each paid turn belongs to. */
  turnRuns: `SELECT agent_turn.request_id AS request, agent_session.run_id AS run FROM agent_turn
             JOIN agent_session ON agent_session.id = agent_turn.session_id`,
  /** What became of what models made. */
  madeByModels: `SELECT run_id AS run, landed_oid IS NOT NULL AS landed, undo_oid IS NOT NULL AS undone,
                 coalesce(verdict, '') = 'roll_back' AS rolledBack FROM candidate WHERE source_kind = 'model'`,
  editCalls: `SELECT json_extract(agent_turn.answer, '$.model') AS model, json_extract(each.value, '$.tool') AS tool, count(*) AS calls,
              sum(json_extract(each.value, '$.error') IS NULL) AS applied FROM agent_turn, json_each(agent_turn.results) AS each
              WHERE at >= ? AND json_extract(each.value, '$.tool') IN (SELECT value FROM json_each(?)) GROUP BY 1, 2 ORDER BY 1, 2`,
  addPaidEdit: `INSERT INTO paid_edit (candidate_id, path, language, before_text, after_text, goal, model, cost_nusd, at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  /** What was undone or declined later teaches nothing. */
  paidEdits: `SELECT paid_edit.* FROM paid_edit JOIN candidate ON candidate.id = paid_edit.candidate_id
              WHERE candidate.state NOT IN ('undone','declined') ORDER BY paid_edit.at, path`,
} as const
