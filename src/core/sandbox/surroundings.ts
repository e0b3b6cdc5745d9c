import { createHash, type Hash } from 'node:crypto'
import { closeSync, lstatSync, openSync, readFileSync, readSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_CACHES } from './dependencies.ts'
import { CACHES } from './profile.ts'
import type { JailProfile } from './sandbox.ts'

/** Files up to this size count by content, larger ones by size and time. */
const READ_BELOW = 4 * 1024 * 1024
/** Written by running, not by installing. */
const WRITTEN_BY_USE: ReadonlySet<string> = new Set([...NODE_CACHES, '__pycache__', '.pytest_cache', '.DS_Store'])
const MANIFESTS = /^(?:\.package-lock\.json|\.modules\.yaml|\.yarn-state\.yml|\.yarn-integrity|pyvenv\.cfg|install-state\.gz|lock\.yaml)$/

/**
 * What a suite sees beside the commit, as one digest: the content of `sandbox.include` files, and what is installed in
 * the bound folders. Installations are told apart by their manifests and by name, size and time of what lies in their
 * upper levels, so that it stays cheap: a file edited by hand deep inside an installed package is not noticed.
 */
export function fingerprintSurroundings(root: string, profile: JailProfile): string {
  const hash = createHash('sha256')
  for (const path of [...profile.include].sort()) addContent(hash, join(root, path), path)
  const installed = profile.mounts.filter(({ mode, to }) => mode !== 'tmpfs' && !to.startsWith(`${CACHES}/`) && isInstalled(mode, to, root))
  for (const { from, to } of [...installed].sort((a, b) => (a.to < b.to ? -1 : 1))) {
    hash.update(`\0${to}\0`)
    addInstalled(hash, from, 2, root)
  }
  return hash.digest('hex')
}

/** Copy-on-write folders outside are build caches: they change with every use and must not matter. */
function isInstalled(mode: string, to: string, root: string): boolean {
  return mode === 'ro' || to.startsWith(`${root}/`)
}

function addContent(hash: Hash, path: string, name: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  hash.update(`\0${name}\0${stat?.mode ?? 'missing'}\0`)
  if (stat?.isSymbolicLink()) hash.update(readlinkSync(path))
  else if (stat?.isFile()) addFile(hash, path)
  else if (stat?.isDirectory()) for (const each of readdirSync(path).sort()) addContent(hash, join(path, each), `${name}/${each}`)
}

function addFile(hash: Hash, path: string): void {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(1024 * 1024)
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) hash.update(buffer.subarray(0, length))
  } finally {
    closeSync(file)
  }
}

function addInstalled(hash: Hash, path: string, levels: number, root: string): void {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isFile() && stat.size < READ_BELOW) hash.update(readFileSync(path))
  else if (stat?.isFile()) hash.update(`${stat.size}:${stat.mtimeMs}`)
  else if (stat?.isDirectory()) addFolder(hash, path, levels, root)
}

function addFolder(hash: Hash, folder: string, levels: number, root: string): void {
  for (const name of list(folder)) {
    if (WRITTEN_BY_USE.has(name)) continue
    const path = join(folder, name)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    hash.update(`\0${name}\0`)
    if (stat?.isFile()) hash.update(MANIFESTS.test(name) && stat.size < READ_BELOW ? readFileSync(path) : `${stat.size}:${stat.mtimeMs}`)
    if (stat?.isSymbolicLink()) hash.update(readlinkSync(path))
    if (stat?.isDirectory() && isNamespace(name)) addFolder(hash, path, levels, root)
    else if (levels > 1 && (stat?.isDirectory() || (stat?.isSymbolicLink() && leadsToInstalled(path, root))))
      addFolder(hash, path, levels - 1, root)
  }
}

/** Folders that only group others: npm scopes, and the way to a virtual environment's packages. */
function isNamespace(name: string): boolean {
  return name.startsWith('@') || /^(?:lib|lib64|python3(?:\.\d+)?|site-packages)$/.test(name)
}

/** A link to a package of the workspace leads into the sandbox: what is there is the commit's. */
function leadsToInstalled(path: string, root: string): boolean {
  try {
    const target = realpathSync(path)
    return statSync(target).isDirectory() && (!target.startsWith(`${root}/`) || target.includes('/node_modules/'))
  } catch {
    return false
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
