import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** A small file system in memory, where the machine lets us make one. */
export function mountTiny(path: string, options: string): boolean {
  mkdirSync(path, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const unmount = (path: string): void => void execFileSync('umount', ['-l', path], { stdio: 'ignore' })

/** What lies below can only be read from now on. */
export function seal(path: string): void {
  execFileSync('mount', ['--bind', path, path])
  execFileSync('mount', ['-o', 'remount,bind,ro', path])
}

/** Whether this machine lets the tests mount (they run as root in CI and in containers with the capability). */
export const mayMount = ((): boolean => {
  const path = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'singularity-mount-probe')
  const mounted = mountTiny(path, 'size=64k')
  if (mounted) unmount(path)
  return mounted
})()

/** Shows one folder at another place through a FUSE file system; the caller asks `whyNoFuse` first. */
export const mountFuse = (behind: string, path: string): void => void execFileSync('bindfs', [behind, path], { stdio: 'ignore' })

/** What is missing for `mountFuse`; undefined where it works. */
export function whyNoFuse(): string | undefined {
  if (!mayMount) return 'mount is needed'
  const [behind, path] = ['a', 'b'].map((name) =>
    join(import.meta.dirname, '..', '..', 'node_modules', '.cache', `singularity-fuse-${name}`),
  )
  for (const folder of [behind!, path!]) mkdirSync(folder, { recursive: true })
  try {
    mountFuse(behind!, path!)
    unmount(path!)
    return undefined
  } catch {
    return 'bindfs and /dev/fuse are needed'
  }
}
