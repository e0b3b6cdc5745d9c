import { SingularityError } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'
import type { JobDetail, NewJob } from './job.ts'

/** The job that has this id already, null where there is none; a look before the row itself decides. @throws ID_CONFLICT */
export async function sameJob(engine: Pick<QueueEngine, 'get'>, { id, payload }: NewJob): Promise<JobDetail | null> {
  const known = await engine.get(id)
  if (known && known.payload !== payload) throw new SingularityError('ID_CONFLICT', `Another request has the id ${id}.`, { data: { id } })
  return known
}
