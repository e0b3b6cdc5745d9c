import { isAbsolute, posix, relative, sep } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import type { Repository } from './repository.ts'

/** A path from where the user stands, as one from the top of the repository; '' is the top. @throws USAGE where it leads out of it */
export function fromTop({ root, prefix }: Pick<Repository, 'root' | 'prefix'>, typed: string): string {
  const slashed = isAbsolute(typed) ? relative(root, typed).split(sep).join('/') : posix.join(prefix, typed)
  const path = posix.normalize(slashed).replace(/\/$/, '')
  if (path === '..' || path.startsWith('../')) throw new SingularityError('USAGE', `${typed} is outside the repository.`)
  return path === '.' ? '' : path
}
