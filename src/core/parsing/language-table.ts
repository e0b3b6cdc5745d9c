/** A language table as it stands in templates_data/languages/<id>.json; docs/languages.md explains every word. */
export type LanguageTable = {
  id: string
  name: string
  /** Without a dot, lower case. */
  extensions: readonly string[]
  /** Whole file names. */
  files?: readonly string[]
  /** Programs of a `#!` line, without version numbers. */
  interpreters?: readonly string[]
  /** The grammar's name in native/grammars.json; absent where only tokens can be told (tier 2). */
  grammar?: string
  /** Its definitions were compared with another tool's; docs/languages.md has the figures. */
  verified?: boolean
  /** Another table whose roles hold here too, behind this one's own. */
  extends?: string
  /** Kinds of that table which this grammar does not have. */
  drop?: readonly string[]
  roles?: Partial<Record<Role, readonly (string | Rule)[]>>
  scanner?: ScannerWords
}

/** Roles that only set bits. */
export const BITS = {
  'branch.default': 1,
  'branch.eslint': 2,
  'branch.rca': 4,
  'branch.sonar': 8,
  nest: 16,
  chain: 32,
  flat: 64,
  boolean: 128,
  comment: 256,
  string: 512,
  interpolation: 1024,
  statement: 2048,
  operator: 4096,
  operand: 8192,
  ignored: 16384,
  reference: 32768,
  transparent: 65536,
  'boolean.operator': 131072,
  'boolean.free': 524288,
} as const
/** All four profiles. */
export const BRANCH = 15
/** Set for kinds that have rules with conditions or entities. */
export const HAS_RULES = 262144

/** Roles that make facts, in the order in which a node's rules are applied. */
export const ENTITIES = [
  'function',
  'lambda',
  'class',
  'module',
  'parameter',
  'definition',
  'import',
  'import_name',
  'call',
  'test',
  'assertion',
  'initializer',
] as const
export type Entity = (typeof ENTITIES)[number]
export type Role = keyof typeof BITS | Entity | 'branch'

export type Paths = string | readonly string[]

export type Rule = {
  /** Kinds of the grammar; an anonymous token stands in single quotes: `'&&'`. */
  kind: string | readonly string[]
  /** Kinds of the parent. */
  in?: string | readonly string[]
  /** Fields of the parent in which the node must stand. */
  field?: string | readonly string[]
  /** All must hold. */
  when?: readonly Condition[]
  /** None may hold. */
  unless?: readonly Condition[]
  /** What the fact is called (kind of function, class, definition, test). */
  as?: string
  /** Where the name stands; the first path that leads somewhere. */
  name?: Paths
  /** Quotes around the name of a definition are taken off. */
  unquoted?: boolean
  /** A fixed name. */
  named?: string
  /** Kind of the parent to the path of the name, seen from the parent: for functions that are values. */
  name_from?: Readonly<Record<string, Paths>>
  /** Imports; the value of an initializer. */
  specifier?: Paths
  form?: string
  alias?: Paths
  /** Calls. */
  receiver?: Paths
  /** Tests: skip, only, todo, fail. */
  state?: string
  /** nest and chain: fields or `:kind`s of the children one level deeper; all children where it is absent. */
  body?: Paths
}

export type Condition = {
  /** From the node; the node itself where absent. */
  at?: Paths
  /** The place found there is one of these kinds. */
  kind?: string | readonly string[]
  /** Its text is one of these. */
  text?: readonly string[]
  /** Its text starts with one of these. */
  prefix?: readonly string[]
  /** Its text contains one of these. */
  contains?: readonly string[]
  /** It stands in one of these fields of its parent. */
  field?: string | readonly string[]
  /** Innermost scope around the node: `file`, `class`, `module` or `function`. */
  scope?: readonly ('file' | 'class' | 'module' | 'function')[]
}

/** What the token scanner of tier 2 knows about a language. */
export type ScannerWords = {
  line_comments?: readonly string[]
  /** Opening and closing text; `true` as third word: they nest. */
  block_comments?: readonly (readonly [string, string, boolean?])[]
  /** Opening and closing text and the escape character, where there is one. */
  strings?: readonly (readonly [string, string, string?])[]
  /** Whole words that are one decision each. */
  decisions?: readonly string[]
  /** Decision tokens that are no words: `&&`. */
  decision_tokens?: readonly string[]
  /** Regular expressions, tried at line starts (flags `mu`), with a group `name`. */
  functions?: readonly ScannerPattern[]
  scopes?: readonly ScannerPattern[]
  definitions?: readonly ScannerPattern[]
  /** With a group `specifier`. */
  imports?: readonly ScannerPattern[]
  /** How a function ends: at the matching brace, at its closing word, at the next line that is no deeper, at a closing token. */
  ends?: 'braces' | 'indentation' | 'parentheses' | 'full-stop' | 'line'
  ignore_case?: boolean
}

export type ScannerPattern = { pattern: string; as: string }
