import type { Database } from '../../../storage/index.ts'
import type { Violation } from '../../engine.ts'

/** Each finds what may never be: id and detail of every row it returns break the rule. */
const RULES: Readonly<Record<string, string>> = {
  'a running job has an owner, a lease and a token': `SELECT id, 'worker ' || ifnull(worker, '-') || ', token ' || token AS detail FROM job
    WHERE state = 'running' AND (worker IS NULL OR lease_until IS NULL OR lease_ms IS NULL OR token = 0 OR attempt = 0)`,
  'only a running job has a lease': `SELECT id, state AS detail FROM job WHERE state <> 'running' AND (lease_until IS NOT NULL OR cancel_reason IS NOT NULL)`,
  'a job has an end when it has ended': `SELECT id, state AS detail FROM job
    WHERE (state IN ('completed', 'dead', 'cancelled')) <> (finished_at IS NOT NULL)`,
  'a job is tried no more often than it may': `SELECT id, attempt || ' of ' || max_attempts AS detail FROM job WHERE attempt > max_attempts`,
  'what has failed has a reason': `SELECT id, state AS detail FROM job WHERE state IN ('dead', 'cancelled') AND reason IS NULL`,
  'a job has its data': `SELECT id, state AS detail FROM job WHERE finished_at IS NULL AND NOT EXISTS (SELECT 1 FROM job_data d WHERE d.seq = job.seq)`,
  'a completed job has a result': `SELECT id, 'no result' AS detail FROM job
    WHERE state = 'completed' AND NOT EXISTS (SELECT 1 FROM job_result r WHERE r.seq = job.seq)`,
  'a job is completed once': `SELECT id, count(*) || ' times' AS detail FROM job_event JOIN job ON job.seq = job_event.job
    WHERE type = 'completed' GROUP BY job.seq HAVING count(*) > 1`,
  'a claim raises the token': `SELECT id, 'token ' || token AS detail FROM job JOIN (SELECT job AS seq, count(*) AS claims FROM job_event
    WHERE type = 'claimed' GROUP BY job) USING (seq) WHERE token < claims`,
  'attempts are numbered without gaps': `SELECT job.id, count(*) || ' up to ' || max(a.n) AS detail FROM attempt a JOIN job ON job.seq = a.seq
    GROUP BY a.seq HAVING count(*) <> max(a.n)`,
  'an attempt belongs to a claim': `SELECT job.id, 'attempt ' || a.n AS detail FROM attempt a JOIN job ON job.seq = a.seq WHERE a.token > job.token`,
  'a completed job has no attempt under way': `SELECT job.id, 'attempt ' || a.n || ' ' || a.phase AS detail FROM attempt a
    JOIN job ON job.seq = a.seq WHERE job.state = 'completed' AND a.token = job.token AND a.phase IN ('reserved', 'calling')`,
}

/** What may never be, and what the file says about itself. */
export function verifyQueue(db: Database): Violation[] {
  const violations: Violation[] = []
  for (const row of db.all<{ quick_check: string }>('PRAGMA quick_check'))
    if (row.quick_check !== 'ok') violations.push({ rule: 'the file is sound', id: '', detail: row.quick_check })
  for (const [rule, sql] of Object.entries(RULES))
    for (const { id, detail } of db.all<{ id: string; detail: string }>(sql)) violations.push({ rule, id, detail })
  return violations
}
