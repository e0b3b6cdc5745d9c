import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import { runProcess } from '../process/index.ts'
import type { Mount } from './isolation.ts'

export type ToolchainDeps = {
  /** The person's PATH and home, as values. */
  path: string
  home: string
  /** Where the versions are chosen from (.python-version, rust-toolchain, .tool-versions). */
  cwd: string
}

export type Toolchains = {
  mounts: Mount[]
  /** Folders to put in front of the system's PATH. */
  folders: string[]
  env: Record<string, string>
  /** Programs that were not found at all. */
  missing: string[]
}

const SYSTEM = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/']
/** One store that holds everything its programs refer to: bound as a whole. */
const STORES = ['/nix/store', '/gnu/store', '/opt/homebrew', '/home/linuxbrew/.linuxbrew', '/snap']
/** `NAME which PROGRAM` of the managers whose shims are scripts or switch on their own name. */
const SHIMS: readonly { pattern: RegExp; ask: (shim: string, name: string) => [string, string[]] }[] = [
  {
    pattern: /\/(?:pyenv|\.pyenv|rbenv|\.rbenv|nodenv|\.nodenv|goenv|\.goenv)\/shims\//,
    ask: (shim, name) => [envManager(shim), ['which', name]],
  },
  { pattern: /\/mise\/shims\//, ask: (_shim, name) => ['mise', ['which', name]] },
  { pattern: /\/\.?asdf\/shims\//, ask: (_shim, name) => ['asdf', ['which', name]] },
  { pattern: /\/\.volta\/bin\//, ask: (_shim, name) => ['volta', ['which', name]] },
  {
    pattern: /\/\.cargo\/bin\/(?:cargo|rustc|rustdoc|rustfmt|cargo-clippy|clippy-driver|cargo-fmt)$/,
    ask: (shim, name) => [join(dirname(shim), 'rustup'), ['which', name]],
  },
]

function envManager(shim: string): string {
  const root = dirname(dirname(shim))
  return join(root, 'bin', basename(root).replace(/^\./, ''))
}

/** Where these managers keep their versions: their shims say so themselves, the manager alone would guess from HOME. */
function managerRoot(shim: string): Record<string, string> {
  const root = dirname(dirname(shim))
  const name = basename(root).replace(/^\./, '')
  return /^(?:py|rb|nod|go)env$/.test(name) ? { [`${name.toUpperCase()}_ROOT`]: root } : {}
}

/**
 * Finds what the named programs need outside /usr, from their real paths: version managers are asked for the real
 * program, scripts are followed to their interpreter, virtual environments to the Python they were made from.
 */
export async function findToolchains(binaries: readonly string[], deps: ToolchainDeps): Promise<Toolchains> {
  const found: Toolchains = { mounts: [], folders: [], env: {}, missing: [] }
  const roots = new Set<string>()
  const seen = new Set<string>()
  const add = async (name: string): Promise<void> => {
    if (seen.has(name)) return
    seen.add(name)
    const shim = locate(name.includes('/') ? resolve(deps.cwd, name) : name, deps)
    if (shim === undefined) {
      found.missing.push(name)
      return
    }
    if (shim.startsWith(`${deps.cwd}/`)) {
      // part of the checkout or of its dependencies: it is there, its interpreter may not be
      for (const interpreter of interpreters(realpathSync(shim))) await add(interpreter)
      return
    }
    const program = await behindShim(shim, deps)
    const real = realpathSync(program)
    if (!isSystem(program)) push(found.folders, dirname(program))
    if (!isSystem(real)) {
      const root = toolchainRoot(real, deps.home)
      roots.add(root)
      if (root !== real) push(found.folders, dirname(real))
      for (const base of virtualEnvironmentBases(root)) roots.add(base)
      if (!isSystem(program) && toolchainRoot(program, deps.home) !== root) roots.add(program)
    }
    for (const interpreter of interpreters(real)) await add(interpreter)
    if (basename(name) === 'cargo' || basename(name) === 'rustc')
      for (const each of ['rustc', 'cargo', 'rustdoc']) if (locate(each, deps)) await add(each)
  }
  for (const name of binaries) await add(name)
  found.mounts = outermost([...roots]).map((path) => ({ from: realpathSync(path), to: path, mode: 'ro' }))
  return found
}

/** The program on the PATH (or the absolute path itself). */
export function locate(name: string, deps: Pick<ToolchainDeps, 'path'>): string | undefined {
  const candidates = isAbsolute(name)
    ? [name]
    : deps.path
        .split(delimiter)
        .filter(isAbsolute)
        .map((folder) => join(folder, name))
  return candidates.find((path) => {
    try {
      const stat = statSync(path)
      return stat.isFile() && (stat.mode & 0o111) !== 0
    } catch {
      return false
    }
  })
}

async function behindShim(shim: string, deps: ToolchainDeps): Promise<string> {
  const manager = SHIMS.find((each) => each.pattern.test(shim))
  if (!manager) return shim
  const [command, args] = manager.ask(shim, basename(shim))
  const env = { PATH: deps.path, HOME: deps.home, ...managerRoot(shim) }
  const answer = await runProcess({ command, args, cwd: deps.cwd, env, timeoutMs: 10_000 })
  const path = answer.stdout.toString('utf8').trim().split('\n').at(-1) ?? ''
  return answer.exitCode === 0 && isAbsolute(path) && existsSync(path) ? path : shim
}

function isSystem(path: string): boolean {
  return SYSTEM.some((prefix) => path.startsWith(prefix))
}

/** The folder a program needs: its store, its prefix (`PREFIX/bin/x`), or only the file where the prefix is a home. */
export function toolchainRoot(real: string, home: string): string {
  const store = STORES.find((each) => real.startsWith(`${each}/`))
  if (store) return store
  const prefix = dirname(dirname(real))
  const tooWide = ['/', '/opt', '/home', '/root', '/usr', '/var', '/tmp', home, dirname(home), join(home, '.local'), join(home, '.cargo')]
  return basename(dirname(real)) === 'bin' && !tooWide.includes(prefix) ? prefix : real
}

/** A virtual environment refers to the Python it was made from (`home = ...` in pyvenv.cfg). */
export function virtualEnvironmentBases(root: string): string[] {
  const config = join(root, 'pyvenv.cfg')
  if (!existsSync(config)) return []
  const home = /^home\s*=\s*(.*)$/m.exec(readFileSync(config, 'utf8'))?.[1]?.trim()
  const bases = home && !isSystem(`${home}/`) && existsSync(home) ? [basename(home) === 'bin' ? dirname(home) : home] : []
  return bases.flatMap((base) => [base, ...virtualEnvironmentBases(base)])
}

function interpreters(program: string): string[] {
  const head = Buffer.alloc(256)
  const fd = openSync(program, 'r')
  const length = readSync(fd, head, 0, head.length, 0)
  closeSync(fd)
  const line = /^#!\s*(.*)/.exec(head.subarray(0, length).toString('latin1').split('\n')[0] ?? '')?.[1]?.trim()
  if (!line) return []
  const [interpreter = '', ...args] = line.split(/\s+/)
  const named = basename(interpreter) === 'env' ? args.find((arg) => !arg.startsWith('-') && !arg.includes('=')) : interpreter
  return named ? [named] : []
}

/** Leaves out paths that lie inside another of the list. */
export function outermost(paths: readonly string[]): string[] {
  return [...new Set(paths)].filter((path) => !paths.some((other) => other !== path && path.startsWith(`${other}/`))).sort()
}

function push(list: string[], item: string): void {
  if (!list.includes(item)) list.push(item)
}

/** True for a folder with something in it. */
export function hasContent(path: string): boolean {
  try {
    return readdirSync(path).length > 0
  } catch {
    return false
  }
}
