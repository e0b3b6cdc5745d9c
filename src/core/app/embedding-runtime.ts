import { join } from 'node:path'
import { SingularityError, makeFolder, parseJson } from '../kernel/index.ts'
import { runProcess } from '../process/index.ts'
import type { AppContext } from './context.ts'

/** What `embedding install` did, or would do. Sizes in bytes. */
export type RuntimeReport = {
  folder: string
  packages: { name: string; version: string; state: 'present' | 'missing' | 'fetched' }[]
  downloaded: number
  kept: number
}

/** A hundred megabytes through a slow line. */
const FETCH_MS = 20 * 60_000

/**
 * Brings the runtime of embedding models into the user's data folder: by a script of the installation, in a process of its own, which
 * alone speaks to a package registry.
 * @throws OFFLINE; RUNTIME_UNREACHABLE where it cannot be had, or is not what is pinned
 */
export async function installRuntime(
  { env, packageRoot }: Pick<AppContext, 'env' | 'packageRoot'>,
  folder: string,
  options: { dryRun: boolean; offline: boolean; signal?: AbortSignal },
): Promise<RuntimeReport> {
  if (options.offline && !options.dryRun)
    throw new SingularityError('OFFLINE', 'The runtime cannot be fetched: the network is switched off.')
  if (!options.dryRun) makeFolder(folder)
  const script = join(packageRoot, 'scripts', 'fetch-runtime.mjs')
  const result = await runProcess({
    command: process.execPath,
    args: [script, '--into', folder, ...(options.dryRun ? ['--dry-run'] : [])],
    cwd: packageRoot,
    env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    timeoutMs: FETCH_MS,
    ...(options.signal && { signal: options.signal }),
  })
  if (options.signal?.aborted) throw new SingularityError('INTERRUPTED', 'Stopped; what was fetched whole stays.')
  const report = parseJson(result.stdout.toString('utf8')) as Omit<RuntimeReport, 'folder'> | undefined
  if (result.exitCode === 0 && report !== undefined) return { folder, ...report }
  const said = result.stderr.toString('utf8').trim().split('\n').at(-1)
  throw new SingularityError(
    'RUNTIME_UNREACHABLE',
    `The runtime of embedding models could not be fetched: ${said || 'no reason was told'}.`,
    {
      hints: ['npm config get registry', 'singularity embedding install'],
    },
  )
}
