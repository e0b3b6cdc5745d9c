import type { Mount } from '../isolation.ts'

/** Without mounts a command must be told where things really are: `to` in its words becomes `from`. */
export type PathMapping = { from: string; to: string }

/**
 * The mappings a list of mounts stands for. A mount inside a writable one is left out: it lies there as a copy.
 * Longest first, so that the most specific wins.
 */
export function mappingsOf(mounts: readonly Mount[], extra: readonly PathMapping[] = []): PathMapping[] {
  const writable = mounts.filter((mount) => mount.mode === 'rw').map((mount) => mount.to)
  const inside = (path: string): boolean => writable.some((top) => path !== top && path.startsWith(`${top}/`))
  return [...mounts.filter((mount) => mount.mode !== 'tmpfs' && mount.from !== mount.to && !inside(mount.to)), ...extra]
    .map(({ from, to }) => ({ from, to }))
    .sort((a, b) => b.to.length - a.to.length)
}

/** Replaces whole paths (`/out` and `/out/x`, not `/output`, not `/a/out`), also after `=`, `:` and quotes. */
export function mapPaths(text: string, mappings: readonly PathMapping[], direction: 'toHost' | 'toJail' = 'toHost'): string {
  if (mappings.length === 0) return text
  const search = (mapping: PathMapping): string => (direction === 'toHost' ? mapping.to : mapping.from)
  const sorted = [...mappings].sort((a, b) => search(b).length - search(a).length)
  const pattern = new RegExp(`(?<![\\w./-])(?:${sorted.map((each) => escape(search(each))).join('|')})(?![\\w.-])`, 'g')
  return text.replace(pattern, (found) => {
    const mapping = sorted.find((each) => search(each) === found)!
    return direction === 'toHost' ? mapping.from : mapping.to
  })
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
