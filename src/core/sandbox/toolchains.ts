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

/** Folders of programs that every sandbox has. */
export const SYSTEM_PATH = ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/bin', '/sbin']
const SYSTEM = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/']
/** One store that holds everything its programs refer to: bound as a whole. */
const STORES = ['/nix/store', '/gnu/store', '/opt/homebrew', '/home/linuxbrew/.linuxbrew', '/snap']
/** How a version manager is asked for the real program behind one of its shims. */
type Question = { command: string; args: string[]; env: Record<string, string> }

/**
 * `MANAGER which PROGRAM` of the managers whose shims are scripts or switch on their own name. What they need to know of
 * their folders is told from where the shim lies: the person's HOME may be another one than that of the tool chain.
 */
const SHIMS: readonly { pattern: RegExp; ask: (root: string, name: string) => Question }[] = [
  {
    pattern: /^(.*\/\.?(?:pyenv|rbenv|nodenv|goenv))\/shims\//,
    ask: (root, name) => {
      const manager = basename(root).replace(/^\./, '')
      return which(join(root, 'bin', manager), name, { HOME: dirname(root), [`${manager.toUpperCase()}_ROOT`]: root })
    },
  },
  {
    pattern: /^(.*\/mise)\/shims\//,
    ask: (root, name) => which('mise', name, { HOME: root.replace(/\/\.local\/share\/mise$/, ''), MISE_DATA_DIR: root }),
  },
  {
    pattern: /^(.*\/\.?asdf)\/shims\//,
    ask: (root, name) => which(join(root, 'bin', 'asdf'), name, { HOME: dirname(root), ASDF_DATA_DIR: root }),
  },
  {
    pattern: /^(.*\/\.volta)\/bin\//,
    ask: (root, name) => which(join(root, 'bin', 'volta'), name, { HOME: dirname(root), VOLTA_HOME: root }),
  },
  {
    pattern: /^(.*\/\.?cargo)\/bin\/(?:cargo|rustc|rustdoc|rustfmt|cargo-clippy|clippy-driver|cargo-fmt)$/,
    ask: (root, name) => {
      const beside = join(dirname(root), basename(root).replace('cargo', 'rustup'))
      const env = { HOME: dirname(root), CARGO_HOME: root, ...(existsSync(beside) && { RUSTUP_HOME: beside }) }
      return which(join(root, 'bin', 'rustup'), name, env)
    },
  },
]

/** A manager that does not lie in its own folder (installed by a package manager) is looked for on the PATH. */
function which(command: string, name: string, env: Record<string, string>): Question {
  return { command: existsSync(command) ? command : basename(command), args: ['which', name], env }
}

/** The shims of pyenv and its relatives are scripts that name their root and their manager, wherever they lie. */
function questionInside(shim: string): Question | undefined {
  const text = headOf(shim, 4096)
  const [, variable = '', root = ''] = /^export ((?:PY|RB|NOD|GO)ENV_ROOT)="([^"$]+)"/m.exec(text) ?? []
  const command = /^exec "([^"$]+)" exec /m.exec(text)?.[1]
  return command === undefined || root === '' ? undefined : which(command, basename(shim), { HOME: dirname(root), [variable]: root })
}

function questionFor(shim: string): Question | undefined {
  for (const { pattern, ask } of SHIMS) {
    const root = pattern.exec(shim)?.[1]
    if (root !== undefined) return questionInside(shim) ?? ask(root, basename(shim))
  }
  return basename(dirname(shim)) === 'shims' ? questionInside(shim) : undefined
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
    // also below /usr: /usr/local/go/bin is on nobody's PATH by itself
    if (!SYSTEM_PATH.includes(dirname(program))) push(found.folders, dirname(program))
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
  const question = questionFor(shim)
  if (!question) return shim
  const { command, args, env: own } = question
  const env = { PATH: deps.path, ...own }
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
  const tooWide = ['/', '/opt', '/home', '/Users', '/root', '/usr', '/var', '/tmp', home, dirname(home)]
  // A home, or what holds more than one tool, also where it is not this person's.
  const isShared = ['/home', '/Users'].includes(dirname(prefix)) || ['.local', '.cargo', '.volta', '.asdf'].includes(basename(prefix))
  return basename(dirname(real)) === 'bin' && !tooWide.includes(prefix) && !isShared ? prefix : real
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
  const line = /^#!\s*(.*)/.exec(headOf(program, 256).split('\n')[0] ?? '')?.[1]?.trim()
  if (!line) return []
  const [interpreter = '', ...args] = line.split(/\s+/)
  const named = basename(interpreter) === 'env' ? args.find((arg) => !arg.startsWith('-') && !arg.includes('=')) : interpreter
  return named ? [named] : []
}

function headOf(path: string, bytes: number): string {
  const head = Buffer.alloc(bytes)
  const fd = openSync(path, 'r')
  const length = readSync(fd, head, 0, bytes, 0)
  closeSync(fd)
  return head.subarray(0, length).toString('latin1')
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
