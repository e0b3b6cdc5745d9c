import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { TreeEntry } from '../git/index.ts'
import type { Mount } from './isolation.ts'
import { outermost, virtualEnvironmentBases } from './toolchains.ts'

export type Dependencies = {
  mounts: Mount[]
  /** Folders for the front of PATH (an activated virtual environment). */
  folders: string[]
  env: Record<string, string>
}

/** Caches tools write inside node_modules: they get an empty folder in memory where they exist. */
const VITE_CACHE = '.vite-temp'
export const NODE_CACHES = ['.cache', '.vite', VITE_CACHE, '.vitest']
const YARN = ['.pnp.cjs', '.pnp.loader.mjs', '.pnp.data.json', '.yarn/cache', '.yarn/unplugged', '.yarn/releases', '.yarn/install-state.gz']
const MAX_LINKED = 200

/**
 * The installed dependencies of a checkout, which are not part of its commits: node_modules of every workspace package,
 * virtual environments, yarn's zero-install files, vendored folders. Bound at their own place, never linked, so that
 * relative links between workspace packages lead into the sandbox.
 */
export function findDependencies(root: string, entries: readonly TreeEntry[], mode: 'ro' | 'overlay', home: string): Dependencies {
  const tracked = new Set(entries.map((entry) => entry.path))
  const isTracked = (path: string): boolean => tracked.has(path) || entries.some((entry) => entry.path.startsWith(`${path}/`))
  const found: Dependencies = { mounts: [], folders: [], env: {} }
  const folders = packageFolders(entries)
  const places = folders
    .filter((folder) => !isTracked(folder ? `${folder}/node_modules` : 'node_modules'))
    .map((folder) => join(root, folder, 'node_modules'))
    .filter(isFolder)
  const usesVite = places.some((place) => ['vite', 'vitest'].some((name) => existsSync(join(place, name))))
  for (const place of places) {
    // Vite writes its bundled configuration there and ends where it cannot; it is there only once Vite has run.
    const open = mode === 'ro' && usesVite && !isFolder(join(place, VITE_CACHE))
    found.mounts.push({ from: realpathSync(place), to: place, mode, ...(open && { open }) })
    if (mode === 'ro')
      for (const name of NODE_CACHES) if (isFolder(join(place, name))) found.mounts.push({ from: '', to: join(place, name), mode: 'tmpfs' })
    found.mounts.push(...linkedOutside(place, root))
  }
  for (const name of YARN) {
    const path = join(root, name)
    if (existsSync(path) && !isTracked(name)) found.mounts.push({ from: realpathSync(path), to: path, mode: 'ro' })
  }
  const globalYarn = join(home, '.yarn', 'berry')
  if (existsSync(join(root, '.pnp.cjs')) && isFolder(globalYarn)) found.mounts.push({ from: globalYarn, to: globalYarn, mode: 'ro' })
  for (const [name, marker] of [
    ['vendor', 'autoload.php'],
    ['vendor', 'bundle'],
    ['deps', '.hex'],
  ] as const) {
    const path = join(root, name)
    if (isFolder(path) && existsSync(join(path, marker)) && !isTracked(name)) found.mounts.push({ from: path, to: path, mode: 'ro' })
  }
  addVirtualEnvironments(root, folders, found)
  found.mounts = unique(found.mounts)
  return found
}

/** The top and every folder with a tracked manifest, parents first. */
export function packageFolders(entries: readonly TreeEntry[]): string[] {
  const manifests = /(?:^|\/)(?:package\.json|pyproject\.toml|setup\.py|requirements[^/]*\.txt)$/
  const folders = new Set([''])
  for (const { path } of entries)
    if (manifests.test(path) && !path.includes('node_modules/')) folders.add(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')
  return [...folders].sort()
}

/** Links of node_modules that lead out of the repository (pnpm's global store, `npm link`): bound where they lead to. */
function linkedOutside(nodeModules: string, root: string): Mount[] {
  const targets: string[] = []
  const look = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && (entry.name.startsWith('@') || entry.name === '.pnpm')) look(path)
      if (!entry.isSymbolicLink() || targets.length >= MAX_LINKED) continue
      const target = resolve(realpathSync(folder), readlinkSync(path))
      if (existsSync(target) && !target.startsWith(`${root}/`) && !target.startsWith(`${realpathSync(nodeModules)}/`)) targets.push(target)
    }
  }
  look(nodeModules)
  return outermost(targets)
    .filter(isFolder)
    .map((target) => ({ from: realpathSync(target), to: target, mode: 'ro' }))
}

function addVirtualEnvironments(root: string, folders: readonly string[], found: Dependencies): void {
  for (const folder of folders) {
    const below = join(root, folder)
    if (!isFolder(below)) continue
    for (const entry of readdirSync(below, { withFileTypes: true })) {
      const path = join(below, entry.name)
      if (entry.name === 'node_modules' || !(entry.isDirectory() || entry.isSymbolicLink()) || !existsSync(join(path, 'pyvenv.cfg')))
        continue
      const real = realpathSync(path)
      found.mounts.push({ from: real, to: path, mode: 'ro' })
      for (const base of virtualEnvironmentBases(real)) found.mounts.push({ from: realpathSync(base), to: base, mode: 'ro' })
      // the links in bin/ may name the interpreter by another path than pyvenv.cfg
      const python = attempt(() => realpathSync(join(path, 'bin', 'python')))
      if (python && !python.startsWith('/usr/') && !python.startsWith(real)) {
        const prefix = dirname(dirname(python))
        found.mounts.push({ from: prefix, to: prefix, mode: 'ro' })
      }
      if (folder === '' && !found.env['VIRTUAL_ENV']) {
        found.env['VIRTUAL_ENV'] = path
        found.folders.push(join(path, 'bin'))
      }
    }
  }
}

function unique(mounts: readonly Mount[]): Mount[] {
  const seen = new Set<string>()
  return mounts.filter((mount) => !seen.has(mount.to) && seen.add(mount.to))
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(realpathSync(path)).isDirectory()
  } catch {
    return false
  }
}

function attempt<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch {
    return undefined
  }
}
