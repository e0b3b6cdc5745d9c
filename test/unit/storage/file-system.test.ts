import { describe, expect, it } from 'vitest'
import { findMount, sharedFileSystem, sharedName } from '../../../src/core/storage/index.ts'

const MOUNTINFO = `22 1 0:5 / / rw,relatime - overlay overlay rw,lowerdir=/a
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 22 8:1 / /home rw shared:1 master:2 - ext4 /dev/sda1 rw
25 24 0:40 / /home/ann rw - nfs4 server:/ann rw,vers=4.2
26 25 0:41 / /home/ann/local\\040disk rw - xfs /dev/sdb1 rw
27 22 0:42 / /srv rw - 9p host rw,trans=virtio
28 22 0:43 / /deep/below rw - nfs server:/x rw
29 22 0:44 / /deep rw - tmpfs tmpfs rw
30 22 0:45 / /twice rw - cifs //server/share rw
31 30 0:46 / /twice rw - ext4 /dev/sdc1 rw
a line that is none
`

describe('the file system of a path', () => {
  it.each([
    ['/etc/passwd', 'overlay', '/'],
    ['/home', 'ext4', '/home'],
    ['/homeless/x', 'overlay', '/'],
    ['/home/ann/project/.git/singularity', 'nfs4', '/home/ann'],
    ['/home/ann/local disk/project', 'xfs', '/home/ann/local disk'],
    ['/srv/project', '9p', '/srv'],
  ])('%s is on %s, mounted at %s', (path, type, mountPoint) => {
    expect(findMount(MOUNTINFO, path)).toEqual({ type, mountPoint })
  })

  it('is what was mounted last: over the same place, and over a parent that hides what lies below', () => {
    expect(findMount(MOUNTINFO, '/twice/x')?.type).toBe('ext4')
    expect(findMount(MOUNTINFO, '/deep/below/x')?.type).toBe('tmpfs')
  })

  it('is not known where nothing is mounted, and a list that names itself as its parent ends', () => {
    expect(findMount('', '/x')).toBeUndefined()
    expect(findMount('1 1 0:1 / / rw - rootfs rootfs rw', '/x')).toEqual({ type: 'rootfs', mountPoint: '/' })
  })

  it('of this machine is asked from the system, also for what is not there yet', () => {
    expect(sharedFileSystem('/proc/none/at/all')).toBeUndefined()
  })
})

describe('a kind of file system', () => {
  it.each(['nfs', 'nfs4', 'cifs', 'smb3', '9p', 'virtiofs', 'vboxsf', 'fuse.sshfs', 'fuse.grpcfuse', 'fuse', 'ceph', 'lustre'])(
    '%s may be shared with other machines',
    (type) => {
      expect(sharedName(type)).toEqual(expect.any(String))
    },
  )

  it.each(['ext4', 'xfs', 'btrfs', 'zfs', 'overlay', 'tmpfs', 'apfs', 'fuseblk', 'fuse.fuse-overlayfs', 'ecryptfs'])(
    '%s is local',
    (type) => {
      expect(sharedName(type)).toBeUndefined()
    },
  )
})
