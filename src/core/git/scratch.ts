import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { stateFolder } from './discovery.ts'
import type { Repository } from './repository.ts'

/**
 * A folder for temporary indexes and blobs inside the state folder, removed afterwards. What a killed process leaves
 * behind is named after its pid, for `cleanScratch`.
 */
export async function withScratch<T>(repository: Repository, body: (folder: string) => Promise<T>): Promise<T> {
  const parent = join(stateFolder(repository), 'tmp')
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(parent, `${process.pid}-`))
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Removes scratch folders of processes that are gone. */
export async function cleanScratch(repository: Repository, isAlive: (pid: number) => boolean): Promise<void> {
  const parent = join(stateFolder(repository), 'tmp')
  const names = await readdir(parent).catch(() => [])
  for (const name of names) {
    const pid = Number(name.split('-')[0])
    if (!Number.isInteger(pid) || !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true })
  }
}
