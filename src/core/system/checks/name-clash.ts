import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runProcess } from '../../process/index.ts'
import { type Check, ok, warn } from '../check.ts'

/** SingularityCE and Apptainer install a program of the same name. */
const CONTAINER = /\b(?:singularity-ce|apptainer|singularity(?:pro)? version)\b/i

/** What lies in our own folder is never asked. */
export const nameClash: Check = {
  id: 'name',
  async run({ env, packageRoot, cwd }) {
    const own = realpathSync(packageRoot)
    const others = onPath('singularity', env['PATH'] ?? '').filter((path) => !realpathSync(path).startsWith(own))
    const other = others[0]
    if (!other) return ok('no other program of this name')
    const { stdout, stderr } = await runProcess({
      command: other,
      args: ['--version'],
      cwd,
      env: { PATH: env['PATH'] ?? '' },
      timeoutMs: 5000,
    })
    if (!CONTAINER.test(`${stdout.toString()} ${stderr.toString()}`)) return ok(`another installation at ${other}`)
    return warn(`${other} is the container runtime of the same name`, 'use the name sgl instead: sgl improve')
  },
}

function onPath(name: string, path: string): string[] {
  return path
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .filter((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
