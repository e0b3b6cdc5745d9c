import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { SingularityError } from '../../kernel/index.ts'
import { type Check, fail, ok, warn } from '../check.ts'

/** `statfs` magic numbers (linux/magic.h and the file systems' own headers) of what several machines may share. */
const SHARED: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021997: '9p',
  0x65735546: 'FUSE',
  0x00c36400: 'Ceph',
  0x5346414f: 'AFS',
  0x6b414653: 'AFS',
  0x73757245: 'Coda',
  0x7461636f: 'OCFS2',
  0x01161970: 'GFS2',
  0x0bd00bd0: 'Lustre',
  0x47504653: 'GPFS',
}
const LOW_BYTES = 1_000_000_000

/** SQLite's WAL needs memory shared between all readers: it is refused where another machine may read the file. */
export const fileSystem: Check = {
  id: 'file-system',
  async run(deps) {
    const folder = await deps.stateDir().catch((error: unknown) => {
      if (SingularityError.isInstance(error)) return deps.stateHome
      throw error
    })
    const path = nearest(folder)
    const { type, bavail, bsize } = statfsSync(path)
    const shared = sharedFileSystem(type)
    if (shared)
      return fail(`${path} is on ${shared}: the state database (WAL) is not safe there`, 'git clone the repository onto a local disk')
    const free = bavail * bsize
    if (free < LOW_BYTES)
      return warn(`${Math.round(free / 1_000_000)} MB free for ${path}`, 'free some space: each sandbox is a copy of the repository')
    return ok(`local, ${(free / 1_000_000_000).toFixed(1)} GB free`)
  },
}

/** The name of a network or shared file system; undefined for a local one. */
export function sharedFileSystem(type: number): string | undefined {
  return SHARED[type >>> 0]
}

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}
