/** The statements of this room, on table `sandbox` of state.db. */
export const INSERT_SANDBOX = `
INSERT INTO sandbox (id, run_id, path, admin_path, purpose, pid, pid_start, boot_id, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
export const SET_ADMIN_PATH = 'UPDATE sandbox SET admin_path = ? WHERE id = ?'
export const DELETE_SANDBOX = 'DELETE FROM sandbox WHERE id = ?'
export const ALL_SANDBOXES = 'SELECT id, path, admin_path, pid, pid_start, boot_id FROM sandbox'

export type SandboxRow = { id: string; path: string; admin_path: string; pid: number; pid_start: string; boot_id: string }
