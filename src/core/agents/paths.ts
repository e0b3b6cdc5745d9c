import { chmodSync, existsSync, lstatSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sha256 } from '../kernel/index.ts'
import { isPlainPath, readUntrusted } from '../sandbox/index.ts'
import { ToolFailure } from './failure.ts'

/** Bytes of the largest file a model may read or write. */
export const LARGEST_FILE = 1024 * 1024

/** Names that hold credentials more often than code; never read, searched, listed or written. Matched without case. */
export const DENIED_GLOBS = [
  '**/.env*',
  '**/*.pem',
  '**/*.key',
  '**/*.p12',
  '**/*.pfx',
  '**/*.jks',
  '**/*.keystore',
  '**/*.age',
  '**/id_rsa*',
  '**/id_dsa*',
  '**/id_ecdsa*',
  '**/id_ed25519*',
  '**/.npmrc',
  '**/.netrc',
  '**/.pypirc',
  '**/.git-credentials',
  '**/.aws/**',
  '**/.ssh/**',
  '**/.gnupg/**',
] as const

/** Folders of git and of our own settings, which say what may be done: no tool opens them. */
const CLOSED = /^(?:\.git|\.singularity|git~\d+)$/i

const DENIED = DENIED_GLOBS.map(globExpression)

/** The few globs above as expressions: `**` over folders, `*` within a name. */
function globExpression(glob: string): RegExp {
  const source = glob
    .split(/(\*\*\/|\*\*|\*)/)
    .map((part) => ({ '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*' })[part] ?? part.replace(/[.+^${}()|[\]\\]/g, '\\$&'))
    .join('')
  return new RegExp(`^${source}$`, 'i')
}

/**
 * Checks a path that a model wrote: relative, inside the tree, over no link, not closed and not denied. Answers it in its plain form.
 * @throws ToolFailure PATH_OUTSIDE, PATH_DENIED, PATH_LINK
 */
export function checkPath(root: string, typed: string): string {
  const path = typed.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')
  const parts = path.split('/')
  if (path === '' || path.startsWith('/') || path.startsWith('~') || /^[A-Za-z]:/.test(path) || /[\0\\\n\r]/.test(path))
    throw new ToolFailure('PATH_OUTSIDE', `${JSON.stringify(typed)} is not a path relative to the top of the repository.`)
  if (parts.some((part) => part === '..' || part === '.' || part === ''))
    throw new ToolFailure('PATH_OUTSIDE', `${JSON.stringify(typed)} holds '..', '.' or an empty part.`)
  if (parts.some((part) => CLOSED.test(part)))
    throw new ToolFailure('PATH_DENIED', `${path} belongs to git or to the settings of this tool.`)
  if (isDenied(path)) throw new ToolFailure('PATH_DENIED', `${path} may hold credentials: it is not opened.`)
  const linked = linkOnTheWay(root, parts)
  if (linked !== null) throw new ToolFailure('PATH_LINK', `${linked} is a symbolic link: it is not followed.`)
  return path
}

export function isDenied(path: string): boolean {
  return DENIED.some((pattern) => pattern.test(path))
}

/** Whether a search or a list may show the path. */
export function isHidden(path: string): boolean {
  return isDenied(path) || path.split('/').some((part) => CLOSED.test(part))
}

function linkOnTheWay(root: string, parts: readonly string[]): string | null {
  let at = root
  for (const [index, part] of parts.entries()) {
    at = join(at, part)
    const found = lstatSync(at, { throwIfNoEntry: false })
    if (!found) return null
    if (found.isSymbolicLink()) return parts.slice(0, index + 1).join('/')
  }
  return null
}

export type TextFile = { text: string; hash: string; executable: boolean }

/** A text file of the sandbox, `undefined` where there is none. @throws ToolFailure NOT_TEXT, TOO_LARGE */
export function readText(root: string, path: string): TextFile | undefined {
  const stat = lstatSync(join(root, path), { throwIfNoEntry: false })
  if (!stat) return undefined
  if (stat.isDirectory()) throw new ToolFailure('NOT_TEXT', `${path} is a folder.`)
  if (stat.size > LARGEST_FILE) throw new ToolFailure('TOO_LARGE', `${path} has ${stat.size} bytes; ${LARGEST_FILE} can be opened.`)
  const bytes = readUntrusted(root, path, LARGEST_FILE)
  if (!bytes) throw new ToolFailure('NOT_TEXT', `${path} is not a plain file.`)
  const text = bytes.toString('utf8')
  if (bytes.includes(0) || !Buffer.from(text, 'utf8').equals(bytes)) throw new ToolFailure('NOT_TEXT', `${path} is not text in UTF-8.`)
  return { text, hash: sha256(bytes), executable: (stat.mode & 0o100) !== 0 }
}

/**
 * Writes or deletes (`null`) a file below the sandbox's tree by a new file and a rename, so that no link is followed.
 * @throws ToolFailure PATH_LINK, PATH_OUTSIDE
 */
export function writeFileSafely(root: string, path: string, content: string | Uint8Array | null, executable = false): void {
  const target = join(root, path)
  if (content === null) {
    if (isPlainPath(root, path)) rmSync(target, { force: true })
    return
  }
  checkParents(root, path)
  mkdirSync(dirname(target), { recursive: true })
  if (!isPlainPath(root, path) || !realpathSync(dirname(target)).startsWith(realpathSync(root)))
    throw new ToolFailure('PATH_OUTSIDE', `${path} leads out of the repository.`)
  if (existsSync(target) && lstatSync(target).isDirectory()) throw new ToolFailure('NOT_TEXT', `${path} is a folder.`)
  const temporary = `${target}.${process.pid}.new`
  rmSync(temporary, { force: true })
  writeFileSync(temporary, content, { flag: 'wx', mode: executable ? 0o755 : 0o644 })
  chmodSync(temporary, executable ? 0o755 : 0o644)
  renameSync(temporary, target)
}

/** Before folders are made: what is there already must be folders, not links. */
function checkParents(root: string, path: string): void {
  const parts = path.split('/').slice(0, -1)
  let at = root
  for (const part of parts) {
    at = join(at, part)
    const stat = lstatSync(at, { throwIfNoEntry: false })
    if (!stat) return
    if (!stat.isDirectory()) throw new ToolFailure('PATH_LINK', `${path}: ${part} is no folder.`)
  }
}
