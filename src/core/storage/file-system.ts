import { existsSync, readFileSync, realpathSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'

/** Types in /proc/self/mountinfo (proc(5)) of what several machines, or a machine and its guest, may share. */
const SHARED_TYPES: Readonly<Record<string, string>> = {
  nfs: 'NFS',
  nfs4: 'NFS',
  cifs: 'SMB',
  smb3: 'SMB',
  smbfs: 'SMB',
  '9p': '9p',
  virtiofs: 'virtiofs',
  fakeowner: 'a folder of the host (fakeowner)',
  drvfs: 'a Windows drive',
  vboxsf: 'a folder of the host (vboxsf)',
  prl_fs: 'a folder of the host (prl_fs)',
  vmhgfs: 'a folder of the host (vmhgfs)',
  afs: 'AFS',
  ceph: 'Ceph',
  coda: 'Coda',
  gfs2: 'GFS2',
  gpfs: 'GPFS',
  lustre: 'Lustre',
  ocfs2: 'OCFS2',
  orangefs: 'OrangeFS',
  beegfs: 'BeeGFS',
}

/** FUSE file systems that keep their files on this machine and map them like any other; who is not named here is not trusted. */
const LOCAL_FUSE: ReadonlySet<string> = new Set(['fuseblk', 'fuse.fuse-overlayfs', 'fuse.gocryptfs', 'fuse.cryfs', 'fuse.encfs'])

/** `statfs` magic numbers (linux/magic.h and the file systems' own headers), for where there is no mountinfo. */
const SHARED_MAGIC: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'SMB',
  0xfe534d42: 'SMB',
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

export type Mount = { mountPoint: string; type: string }

type Entry = Mount & { id: string; parent: string }

/**
 * The file system a path lies on, as the kernel finds it: from the root through the mounts in its way, what was mounted over another
 * before what lies below it. `path` is absolute and without symbolic links.
 */
export function findMount(mountinfo: string, path: string): Mount | undefined {
  const covering = mountinfo
    .split('\n')
    .flatMap(readEntry)
    .filter(({ mountPoint }) => mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`))
  const ids = new Set(covering.map(({ id }) => id))
  let current = covering.find(({ parent, id }) => !ids.has(parent) || parent === id)
  for (let depth = covering.length; current && depth > 0; depth--) {
    const { id } = current
    const [next] = covering
      .filter((entry) => entry.parent === id && entry.id !== id)
      .sort((a, b) => a.mountPoint.length - b.mountPoint.length)
    if (!next) break
    current = next
  }
  return current && { mountPoint: current.mountPoint, type: current.type }
}

/** `36 35 98:0 /root /mount/point options optional... - type source options`; blanks in names are octal (`\040`). */
function readEntry(line: string): Entry[] {
  const [front, back] = line.split(' - ') as [string, string?]
  const [id, parent, , , mountPoint] = front.split(' ')
  const [type] = back?.split(' ') ?? []
  if (!id || !parent || !mountPoint || !type) return []
  const plain = mountPoint.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)))
  return [{ id, parent, mountPoint: plain, type }]
}

/** What a person calls a file system that other machines may share; undefined for a local one. */
export function sharedName(type: string): string | undefined {
  if (LOCAL_FUSE.has(type)) return undefined
  if (type === 'fuse' || type.startsWith('fuse.')) return `FUSE (${type})`
  return SHARED_TYPES[type]
}

/**
 * The name of the network or shared file system a path lies on, or would lie on once it is made; undefined for a local one. Where the
 * system has no mountinfo only the kind of file system can be asked, and macOS tells nothing that helps.
 */
export function sharedFileSystem(path: string): string | undefined {
  const place = nearest(path)
  try {
    const mount = findMount(readFileSync('/proc/self/mountinfo', 'utf8'), realpathSync(place))
    if (mount) return sharedName(mount.type)
  } catch {
    // no Linux, or no /proc
  }
  try {
    return process.platform === 'linux' ? SHARED_MAGIC[statfsSync(place).type >>> 0] : undefined
  } catch {
    return undefined
  }
}

/** The path itself, or the first of its parents that is there. */
export function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}
