import type { TreeReader } from '../../../git/index.ts'

/** One fix a linter offers: byte ranges of the base file that belong together. */
export type Fix = { rule: string; file: string; line: number; edits: readonly { start: number; end: number; text: string }[] }

export type FixerId = 'eslint' | 'biome' | 'oxlint' | 'ruff' | 'gofmt' | 'clippy'

export type FixerProject = {
  reader: TreeReader
  /** Package folder relative to the top, '' at the top. */
  scope: string
  /** The repository's own path; the same inside the jail. */
  root: string
  /** Asks about the package's own files alone: what stands at the top concerns it as well otherwise. */
  alone?: boolean
  /** Finds a program on the host: a path inside node_modules of the scope or the top, or on PATH. */
  findModule(name: string): string | undefined
  findProgram(name: string): string | undefined
}

/**
 * A project's own linter with a fix mode. `reporting` fixers say in one pass which fix belongs to which rule;
 * `rewriting` fixers name their rules in one pass and are then run once per rule, and the difference is cut into hunks.
 */
export type Fixer = {
  readonly id: FixerId
  /** Whether the project uses it (a configuration or a manifest names it). */
  used(project: FixerProject): Promise<boolean>
  /** The program, or why it cannot be had. */
  program(project: FixerProject): readonly string[] | undefined
} & (
  | {
      readonly kind: 'reporting'
      /** Writes its report to standard output. */
      report(program: readonly string[]): readonly string[]
      read(report: string, project: FixerProject): Promise<readonly Fix[]>
    }
  | {
      readonly kind: 'rewriting'
      report(program: readonly string[]): readonly string[]
      rules(report: string): readonly string[]
      fix(program: readonly string[], rule: string): readonly string[]
    }
)

/** Byte offset of a UTF-16 offset of the same text. */
export function byteOffset(text: string, utf16: number): number {
  return Buffer.byteLength(text.slice(0, utf16))
}

/** Byte offset of a 1-based line and 1-based column counted in code points. */
export function byteOffsetAt(text: string, row: number, column: number): number {
  let start = 0
  for (let line = 1; line < row; line++) {
    const end = text.indexOf('\n', start)
    if (end === -1) return Buffer.byteLength(text)
    start = end + 1
  }
  const rest = text.slice(start, start + 4 * column)
  return Buffer.byteLength(text.slice(0, start)) + Buffer.byteLength([...rest].slice(0, column - 1).join(''))
}

/** The path relative to the top, for a path a program printed from inside the scope or as an absolute one. */
export function relativePath(path: string, project: FixerProject): string {
  const normal = path.replaceAll('\\', '/').replace(/^\.\//, '')
  if (normal.startsWith(`${project.root}/`)) return normal.slice(project.root.length + 1)
  return project.scope === '' ? normal : `${project.scope}/${normal}`
}

/** Parses a report; `undefined` where it is not JSON (the program failed). */
export function parseReport<T>(report: string): T | undefined {
  try {
    return JSON.parse(report) as T
  } catch {
    return undefined
  }
}

/** Folders whose files say what a package uses, as prefixes of a path. */
function foldersOf({ scope, alone = false }: FixerProject): string[] {
  if (scope === '') return ['']
  return alone ? [`${scope}/`] : [`${scope}/`, '']
}

/** Whether a file of the scope (or the top) exists in the base tree. */
export async function hasAny(project: FixerProject, names: readonly string[]): Promise<boolean> {
  for (const folder of foldersOf(project)) for (const name of names) if (await project.reader.entry(folder + name)) return true
  return false
}

/** Whether the package's manifest (or the top one) holds a key or a dependency of that name. */
export async function manifestNames(project: FixerProject, name: string): Promise<boolean> {
  for (const folder of foldersOf(project)) {
    const manifest = parseReport<Record<string, Record<string, unknown> | undefined>>(
      (await project.reader.text(`${folder}package.json`)) ?? '',
    )
    if (!manifest) continue
    if (manifest['devDependencies']?.[name] ?? manifest['dependencies']?.[name] ?? manifest[`${name}Config`]) return true
  }
  return false
}
