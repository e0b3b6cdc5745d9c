import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError, makeFolder, parseJson } from '../kernel/index.ts'
import { runProcess } from '../process/index.ts'
import type { AppContext } from './context.ts'

/** What `embedding install` did, or would do. Sizes in bytes. */
export type RuntimeReport = {
  folder: string
  packages: { name: string; version: string; state: 'present' | 'missing' | 'fetched' | 'removed' }[]
  downloaded: number
  kept: number
}

export type InstallOptions = { dryRun: boolean; remove: boolean; signal: AbortSignal }

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
  options: InstallOptions & { offline: boolean },
): Promise<RuntimeReport> {
  if (options.remove) {
    const { packages, ...rest } = await ask({ ...options, dryRun: true })
    const isGone = (state: string): boolean => state === 'present' && !options.dryRun
    if (!options.dryRun) rmSync(folder, { recursive: true, force: true })
    return { ...rest, packages: packages.map((each) => (isGone(each.state) ? { ...each, state: 'removed' } : each)) }
  }
  if (options.offline && !options.dryRun)
    throw new SingularityError('OFFLINE', 'The runtime cannot be fetched: the network is switched off.')
  if (!options.dryRun) makeFolder(folder)
  return ask(options)

  async function ask({ dryRun, signal }: Pick<InstallOptions, 'dryRun' | 'signal'>): Promise<RuntimeReport> {
    const result = await runProcess({
      command: process.execPath,
      args: [join(packageRoot, 'scripts', 'fetch-runtime.mjs'), '--into', folder, ...(dryRun ? ['--dry-run'] : [])],
      cwd: packageRoot,
      env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
      timeoutMs: FETCH_MS,
      signal,
    })
    if (signal.aborted) throw new SingularityError('INTERRUPTED', 'Stopped; what was fetched whole stays.')
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
}
