import path, { posix, type PlatformPath } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import type { Repository } from './repository.ts'

/**
 * The path below `root`, with slashes; '' is `root` itself, `null` what lies elsewhere (on Windows also what lies on another drive).
 * @param style rules of the system's paths: on Windows both slashes part names, and letters of either case are the same
 */
export function belowRoot(root: string, absolute: string, style: PlatformPath = path): string | null {
  const below = style.relative(root, absolute)
  if (below === '..' || below.startsWith(`..${style.sep}`) || style.isAbsolute(below)) return null
  return below.split(style.sep).join('/')
}

/** A path from where the user stands, as one from the top of the repository; '' is the top. @throws USAGE where it leads out of it */
export function fromTop({ root, prefix }: Pick<Repository, 'root' | 'prefix'>, typed: string, style: PlatformPath = path): string {
  const outside = (): SingularityError => new SingularityError('USAGE', `${typed} is outside the repository.`)
  // `C:name` is relative to a folder that nobody named
  if (style.sep === '\\' && /^[A-Za-z]:(?![\\/])/.test(typed)) throw outside()
  const slashed = style.isAbsolute(typed) ? belowRoot(root, typed, style) : posix.join(prefix, typed.split(style.sep).join('/'))
  if (slashed === null) throw outside()
  const normal = posix.normalize(slashed).replace(/\/$/, '')
  if (normal === '..' || normal.startsWith('../')) throw outside()
  return normal === '.' ? '' : normal
}
