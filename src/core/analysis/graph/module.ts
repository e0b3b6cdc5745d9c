/**
 * How one module leads to another. `type`: gone when the program runs; `mock`: a test replaces it; `data`: named in a string;
 * `package`: what is loaded around it (`__init__.py`, the package of a Go test); `module`: declared by it (`mod x`, a header's source).
 */
export type EdgeKind =
  | 'import'
  | 'type'
  | 'export'
  | 'require'
  | 'dynamic'
  | 'include'
  | 'mock'
  | 'data'
  | 'package'
  | 'module'
  | 'reference'

/** One import as it is written; `specifier` is null where a program computes it. */
export type WrittenImport = {
  specifier: string | null
  kind: EdgeKind
  /** As the language table says: import, from, use, include … */
  form: string
  names: readonly string[]
  /** 1-based; null where no line says it. */
  line: number | null
  /** The source of the import, for what no fact says. */
  text: string
  /** Names of the inline modules around it. */
  around: readonly string[]
}

/** Words in a string and its 1-based line. */
export type Literal = { text: string; line: number }

/** What the bytes of one file say about other files. It depends on the bytes and the language alone. */
export type ModuleFacts = {
  language: string
  tier: 1 | 2 | 3
  imports: readonly WrittenImport[]
  /** Full names that other files may import: `com.x.A`, `App\X`, `A.B`. */
  declares: readonly string[]
  /** The package or namespace of the file, where its language has one. */
  package: string | null
  /** Names it uses, where its language reaches files by such names alone. */
  uses: ReadonlyMap<string, number>
  literals: readonly Literal[]
  /** Whether it reads files or folders as data. */
  reads: boolean
  /** Ways to other files that nobody can follow. */
  doubts: readonly string[]
  /** It does not parse, but what looks like an import anywhere in it is among its imports. */
  isBroken: boolean
  /** Whether it holds tests, by its syntax. */
  tests: boolean
}

/** Where an import leads; to the file itself where it means itself. `reason` says why it leads nowhere in this tree; null where it leads out of it on purpose. */
export type Resolution = { targets: readonly string[]; reason: string | null }

/** The files of one tree by their paths, and how a module's imports are turned into some of them. */
export type Resolver = (path: string, module: ModuleFacts, written: WrittenImport) => Resolution

export const EXTERNAL: Resolution = { targets: [], reason: null }

/** What a name leads to that must be there. */
export function found(targets: readonly string[], name: string): Resolution {
  return targets.length > 0 ? { targets, reason: null } : { targets, reason: `${name} leads to no file of the tree` }
}
