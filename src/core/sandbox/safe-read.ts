import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** True where every folder on the way to `path` below `root` is a real one, not a link. */
export function isPlainPath(root: string, path: string): boolean {
  const parts = path.split('/')
  if (path.startsWith('/') || parts.some((part) => part === '..' || part === '.' || part === '')) return false
  let at = root
  for (const part of parts.slice(0, -1)) {
    at = join(at, part)
    try {
      if (!lstatSync(at).isDirectory()) return false
    } catch {
      return false
    }
  }
  return true
}

/**
 * Reads a file that an untrusted program may have left: a regular file, reached over no link, at most `maxBytes`.
 * A FIFO does not block. `undefined` for anything else.
 */
export function readUntrusted(root: string, path: string, maxBytes: number): Buffer | undefined {
  if (!isPlainPath(root, path)) return undefined
  let fd: number
  try {
    fd = openSync(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.size > maxBytes) return undefined
    const buffer = Buffer.alloc(stat.size)
    let length = 0
    while (length < buffer.length) {
      const read = readSync(fd, buffer, length, buffer.length - length, length)
      if (read === 0) break
      length += read
    }
    return buffer.subarray(0, length)
  } finally {
    closeSync(fd)
  }
}
