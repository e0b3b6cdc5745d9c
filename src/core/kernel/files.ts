import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * `mkdir -p` for a folder only its owner enters, parent by parent: Node's own way never ends where a file system answers ENOENT for
 * a new folder (below /proc).
 * @throws what the system says
 */
export function makeFolder(path: string): void {
  const missing: string[] = []
  for (let at = path; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at)
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (error) {
      // another process was faster
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    }
  }
}
