import type { App } from '../../core/app.ts'
import { SingularityError } from '../../core/kernel/index.ts'

/** The cache of this repository. @throws NOT_A_REPOSITORY, STATE_NEWER */
export async function readCache(app: App): Promise<NonNullable<Awaited<ReturnType<App['cacheFile']>>>> {
  await app.git()
  const cache = await app.cacheFile()
  if (cache === undefined)
    throw new SingularityError('STATE_NEWER', 'cache.db was written by a newer version of singularity.', { hints: ['Update singularity.'] })
  return cache
}
