import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invariant } from '../kernel/index.ts'

/** The `templates_data` folder that came with this program, beside the sources or the bundle. */
export function builtInData(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'templates_data', 'rules'))) {
    const parent = dirname(folder)
    invariant(parent !== folder, 'templates_data is missing from this installation')
    folder = parent
  }
  return join(folder, 'templates_data')
}
