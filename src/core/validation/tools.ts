import { readFile, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { parseJson } from '../kernel/index.ts'

/** Finds the programs of a project's installed dependencies on the host, so that they can be called directly. */
export type ToolFinder = {
  /**
   * The JavaScript file behind a package's program, relative to `scope`: node_modules folders are searched from the
   * scope upwards to the top. Undefined where the package is not installed.
   */
  script(scope: string, packageName: string, program?: string): Promise<string | undefined>
  /** Whether the package lies in a node_modules folder from the scope upwards. */
  installed(scope: string, packageName: string): Promise<boolean>
  /** The interpreter of a project's virtual environment relative to `scope`, else 'python3'. */
  python(scope: string): Promise<string>
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** The folders from `scope` up to the top: 'a/b', 'a', ''. */
export function scopesUpwards(scope: string): string[] {
  const parts = scope === '' ? [] : scope.split('/')
  return [...parts.map((_part, index) => parts.slice(0, parts.length - index).join('/')), '']
}

/** `root` is the user's own checkout: dependencies are installed there, not in the commit. Never reads the tree itself. */
export function createToolFinder(root: string): ToolFinder {
  return {
    async script(scope, packageName, program = packageName) {
      for (const folder of scopesUpwards(scope)) {
        const home = posix.join(folder, 'node_modules', packageName)
        const text = await readFile(join(root, home, 'package.json'), 'utf8').catch(() => undefined)
        const manifest = text === undefined ? undefined : (parseJson(text) as { bin?: string | Record<string, string> } | undefined)
        const bin = typeof manifest?.bin === 'string' ? manifest.bin : manifest?.bin?.[program]
        if (typeof bin !== 'string') continue
        const file = posix.join(home, bin)
        if (await isFile(join(root, file))) return posix.relative(scope === '' ? '.' : scope, file)
      }
      return undefined
    },
    async installed(scope, packageName) {
      for (const folder of scopesUpwards(scope))
        if (await isFile(join(root, folder, 'node_modules', packageName, 'package.json'))) return true
      return false
    },
    async python(scope) {
      for (const folder of scopesUpwards(scope)) {
        for (const name of ['.venv', 'venv', 'env']) {
          const home = posix.join(folder, name)
          if (!(await isFile(join(root, home, 'pyvenv.cfg')))) continue
          const interpreter = posix.join(home, 'bin', 'python')
          if (await isFile(join(root, interpreter))) {
            const path = posix.relative(scope === '' ? '.' : scope, interpreter)
            return path.startsWith('.') ? path : `./${path}`
          }
        }
      }
      return 'python3'
    },
  }
}
