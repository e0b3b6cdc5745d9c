/** What is known of a function while the walk is inside it. */
export type FunctionState = {
  node: number
  name: number
  kind: number
  nameNode: number
  parent: number
  scope: number
  parameters: number[]
  branches: [number, number, number, number]
  /** Cognitive increments of its own code, its own nesting starting at 0. */
  own: number
  structures: number
  /** The same of nested functions, as they count here. */
  inner: number
  innerStructures: number
  depth: number
  nesting: number
  logical: number
  halstead: readonly number[]
}

/** What holds for everything inside a node; one is pushed for each node that changes it. */
export type Frame = {
  node: number
  end: number
  /** Index of the function plus one; 0 is the file. */
  fn: number
  scope: number
  place: number
  /** Levels of nesting inside the current function. */
  nesting: number
  /** Nesting of the innermost structure itself. */
  base: number
  /** Rule whose body raises children, or -1. */
  body: number
  /** Run of boolean operators, or -1. */
  run: number
  inString: boolean
  test: number
  import: number
  /** Row of the initializer that what follows belongs to, from `initializerFrom` on; or -1. */
  initializer: number
  initializerFrom: number
  opensFunction: boolean
}
