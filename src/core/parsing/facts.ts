/**
 * What the bytes of one file say, whatever engine read them. Offsets are bytes of the file; rows are 0-based; a name that cannot be
 * told is `null`; a figure that this tier cannot know is `null`, never 0.
 */
export type FileFacts = {
  /** The id of a language table, or `text`. */
  language: string
  /** 1: syntax tree, 2: tokens, 3: text. */
  tier: 1 | 2 | 3
  engine: FactEngineName
  /** Why some facts may be missing or wrong; `null` where the whole file parsed without an error. */
  partial: PartialReason | null
  /** Share of bytes inside error nodes, 0 to 1; `null` in tiers 2 and 3. */
  errorRatio: number | null
  /** Error nodes and tokens that the parser had to invent; `null` in tiers 2 and 3. */
  errors: number | null
  lines: LineCounts
  /** Figures of the code outside of all functions, and of the whole file for Halstead and cognitive complexity. */
  file: FileFigures
  functions: FunctionFact[]
  scopes: ScopeFact[]
  imports: ImportFact[]
  calls: CallFact[]
  definitions: DefinitionFact[]
  references: ReferenceFact[]
  tests: TestFact[]
  assertions: AssertionFact[]
  comments: Span[]
  strings: Span[]
  initializers: InitializerFact[]
}

export type FactEngineName = 'native' | 'node' | 'wasm' | 'scanner' | 'text'

/**
 * `syntax`: error nodes; `encoding`: not UTF-8; `deadline`: the parser was stopped; `size`: longer than the limit; `quarantined`: an
 * engine died of this file before. The last three come with tier 2 or 3 facts.
 */
export type PartialReason = 'syntax' | 'encoding' | 'deadline' | 'size' | 'quarantined'

/**
 * physical = source + comment + blank: a line with code is source, one with comments only is comment, one with white space only is
 * blank (also inside strings and comments). `logical` counts statements; `null` where no table says what a statement is. In tier 3
 * `comment` is null and source is all that is not blank.
 */
export type LineCounts = { physical: number; source: number; logical: number | null; comment: number | null; blank: number }

/** Bytes and rows; `rowEnd` is the row of the last byte. */
export type Span = { start: number; end: number; row: number; rowEnd: number }

/** Decisions per profile. For a function this is the cyclomatic figure (1 + decisions); for a file the decisions outside functions. Tier 2 knows `default` only. */
export type Cyclomatic = { default: number; eslint: number | null; rca: number | null; sonar: number | null }

/** Distinct operators and operands, and all of them (n1, n2, N1, N2 of Halstead, "Elements of Software Science", 1977). */
export type HalsteadCounts = { n1: number; n2: number; N1: number; N2: number }

export type FileFigures = {
  /** Decisions outside of all functions. */
  decisions: Cyclomatic | null
  /** Code outside functions plus every outermost function. */
  cognitive: number | null
  /** The same for the code outside of functions alone. */
  cognitiveOwn: number | null
  halstead: HalsteadCounts | null
  /** Deepest nesting of control structures outside functions. */
  nesting: number | null
}

export type FunctionFact = Span & {
  name: string | null
  /** As the table says: function, method, constructor, getter, setter, lambda, macro … */
  kind: string
  nameStart: number | null
  nameEnd: number | null
  /** Index of the function around this one. */
  parent: number | null
  /** Index of the innermost class or module around it. */
  scope: number | null
  /** Names as written; a pattern or type where there is no single name. */
  parameters: string[]
  /** Deepest nesting of control structures inside, without nested functions; 0 where there are none. */
  nesting: number | null
  cyclomatic: Cyclomatic | null
  /** SonarSource's cognitive complexity of this function as if it stood alone, nested functions included (one level deeper). */
  cognitive: number | null
  /** The same without nested functions. */
  cognitiveOwn: number | null
  /** How many increments of `cognitive` grow by one for each level that the function is nested deeper. */
  structures: number | null
  /** Levels that this function's place adds when its figure counts for the function around it. */
  depth: number | null
  /** Nested functions included. */
  halstead: HalsteadCounts | null
  /** Of the rows from the first to the last; `physical` is their number. */
  lines: LineCounts
}

export type ScopeFact = Span & {
  name: string | null
  kind: string
  nameStart: number | null
  parent: number | null
  function: number | null
}

export type ImportedName = { name: string; alias: string | null }

/** `specifier` without quotes; `form` as the table says: import, export, require, dynamic, include, use … */
export type ImportFact = Span & { specifier: string | null; form: string; names: ImportedName[]; function: number | null }

/** `row` and `start` are those of the called name (or of the call where it has none). */
export type CallFact = { name: string | null; receiver: string | null; row: number; start: number; function: number | null }

/** Spans the whole definition; `nameRow` is the row of the name. Functions, classes and modules are here too. */
export type DefinitionFact = Span & {
  name: string
  kind: string
  nameRow: number
  nameStart: number
  nameEnd: number
  scope: number | null
  function: number | null
}

/** An identifier that is no name of a definition. */
export type ReferenceFact = { name: string; row: number; start: number; function: number | null }

/** `kind`: case, suite or hook; `state`: run, skip, only, todo or fail. */
export type TestFact = Span & { name: string | null; kind: string; state: string; parent: number | null; function: number | null }

/**
 * The value of a field of a class, which eslint takes for a function of its own: `cyclomatic` is its figure in the profile `eslint`, where
 * its decisions count for nothing else. In the other profiles they count for the code around.
 */
export type InitializerFact = Span & { name: string | null; function: number | null; cyclomatic: number }

export type AssertionFact = Span & { matcher: string | null; test: number | null; function: number | null }
