import type { Database, SqlValue } from '../../../storage/index.ts'
import type { JobFilter } from '../../engine.ts'
import type { Job } from '../../job.ts'
import { JOB_COLUMNS, type JobRow, toJob } from './rows.ts'

/** Newest first. The cursor is the last one's place. */
export function listJobs(db: Database, filter: JobFilter): { jobs: Job[]; next: string | null } {
  const parts: string[] = []
  const values: Record<string, SqlValue> = { limit: filter.limit + 1 }
  const where = (name: string, condition: string, value: SqlValue | undefined): void => {
    if (value === undefined) return
    parts.push(condition)
    values[name] = value
  }
  where('queue', 'queue = @queue', filter.queue)
  where('states', 'state IN (SELECT value FROM json_each(@states))', filter.states && JSON.stringify(filter.states))
  where('agent', 'agent_id = @agent', filter.agentId)
  where('task', 'task_type = @task', filter.taskType)
  where('parent', 'parent_id = @parent', filter.parentId)
  where('since', 'created_at >= @since', filter.since)
  where('cursor', 'seq < @cursor', filter.cursor === undefined ? undefined : Number(filter.cursor))
  const condition = parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`
  const rows = db.all<JobRow>(`SELECT ${JOB_COLUMNS} FROM job ${condition} ORDER BY seq DESC LIMIT @limit`, values)
  const more = rows.length > filter.limit
  const page = rows.slice(0, filter.limit)
  return { jobs: page.map(toJob), next: more ? String(page.at(-1)!.seq) : null }
}
