/** Named statements over the `op` and `lease` tables of state.db. */
export const SQL = {
  openOperations: `SELECT * FROM op WHERE state = 'intent' ORDER BY started_at`,
  insertOperation: `INSERT INTO op (id, candidate_id, kind, state, target_ref, old_oid, new_oid, checkout_path, paths, locks, detail,
    pid, pid_start, boot_id, started_at) VALUES (?, ?, ?, 'intent', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  closeOperation: `UPDATE op SET state = ?, detail = ?, finished_at = ? WHERE id = ? AND state = 'intent'`,
  lease: `SELECT * FROM lease WHERE name = ?`,
  takeLease: `INSERT INTO lease (name, owner, pid, pid_start, boot_id, at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, pid = excluded.pid, pid_start = excluded.pid_start,
    boot_id = excluded.boot_id, at = excluded.at`,
  dropLease: `DELETE FROM lease WHERE name = ? AND owner = ?`,
} as const
