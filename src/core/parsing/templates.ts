/** A definition or use in a template. Lines are from 1 and inclusive, columns from 1 in UTF-16 units. */
export type TemplateItem = {
  /**
   * `variable`: a value that whoever fills the template has to give; `local`: one the template makes itself (block parameters, `@index`);
   * `helper`: a function that is called with arguments; `block`: a helper or section around other parts; `partial`: another template that
   * is put in; `inline`: a partial that is defined here; `decorator`: any other decorator.
   */
  kind: 'variable' | 'local' | 'helper' | 'block' | 'partial' | 'inline' | 'decorator'
  /** As written; null where it is worked out when the template is filled. */
  name: string | null
  line: number
  lineEnd: number
  column: number
  /** Arguments as written: paths and literals; null for one that is a call. */
  params: (string | null)[]
  /** Names of named arguments. */
  hash: string[]
  /** The block or inline partial around it. */
  container: string | null
}

export type TemplateFacts = {
  items: TemplateItem[]
  /** Why the file is no template; it has no items then. */
  error: { line: number | null; message: string } | null
}

type Loc = { start: { line: number; column: number }; end: { line: number; column: number } }
type Node = {
  type: string
  loc: Loc
  body?: Node[]
  path?: Node
  name?: Node
  params?: Node[]
  hash?: { pairs: { key: string; value: Node }[] } | undefined
  program?: Node & { blockParams?: string[] }
  inverse?: Node & { blockParams?: string[] }
  original?: unknown
  parts?: (string | Node)[]
  depth?: number
  data?: boolean
}

type Visit = { node: Node; container: string | null; locals: ReadonlySet<string> }

const KINDS: Readonly<Record<string, TemplateItem['kind']>> = {
  BlockStatement: 'block',
  PartialStatement: 'partial',
  PartialBlockStatement: 'partial',
  Decorator: 'decorator',
  DecoratorBlock: 'decorator',
  SubExpression: 'helper',
}

/** What a Handlebars (or Mustache) template takes, calls, puts in and defines, in the order of the text, by Handlebars' own parser. */
export async function readTemplate(text: string): Promise<TemplateFacts> {
  if (depthOf(text) > DEEPEST) return { items: [], error: { line: null, message: `nests deeper than ${DEEPEST}` } }
  const { default: handlebars } = await import('handlebars')
  let root: Node
  try {
    root = handlebars.parseWithoutProcessing(text) as unknown as Node
  } catch (error) {
    return { items: [], error: errorOf(error) }
  }
  const items: TemplateItem[] = []
  const open: Visit[] = [{ node: root, container: null, locals: new Set() }]
  // no recursion: a template may nest as deep as it is long
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const { node, container, locals } = visit
    const inside = (nodes: readonly (Node | undefined)[], around: string | null, more: readonly string[] = []): void => {
      const known = more.length === 0 ? locals : new Set([...locals, ...more])
      for (const each of nodes) if (each !== undefined) open.push({ node: each, container: around, locals: known })
    }
    if (node.type === 'Program') inside(node.body ?? [], container)
    else if (node.type === 'PathExpression') items.push(valueOf(node, container, locals))
    else if (node.type === 'MustacheStatement' && !hasArguments(node)) inside([node.path], container)
    else if (node.type === 'MustacheStatement' || KINDS[node.type] !== undefined) {
      const item = itemOf(node, container)
      items.push(item)
      inside([...argumentsOf(node), dynamicName(node)], container)
      // a section without arguments is named by the value that decides about it
      if (node.type === 'BlockStatement' && !hasArguments(node)) inside([node.path], container)
      const around = item.name ?? container
      for (const part of [node.program, node.inverse]) inside([part], around, part?.blockParams)
    }
  }
  return { items: items.sort((a, b) => a.line - b.line || a.column - b.column || (a.kind < b.kind ? -1 : 1)), error: null }
}

/** The time that Handlebars' parser takes grows with the square of the depth: a second at 3,000. */
const DEEPEST = 500

/** How deep blocks, and calls inside of calls, are nested at most; what closes nothing does not count. */
function depthOf(text: string): number {
  let [blocks, calls, deepest] = [0, 0, 0]
  for (const [mark] of text.matchAll(/\{\{~?(?:#|\^(?=[^}~])|\/|)|[()]/g)) {
    if (mark === '(') calls++
    else if (mark === ')') calls = Math.max(0, calls - 1)
    else {
      calls = 0
      if (mark.endsWith('/')) blocks = Math.max(0, blocks - 1)
      else if (!mark.endsWith('{') && !mark.endsWith('~')) blocks++
    }
    deepest = Math.max(deepest, blocks, calls)
  }
  return deepest
}

const argumentsOf = ({ params = [], hash }: Node): Node[] => [...params, ...(hash?.pairs ?? []).map(({ value }) => value)]

const hasArguments = (node: Node): boolean => argumentsOf(node).length > 0

const nameNode = (node: Node): Node | undefined => (node.type.startsWith('Partial') ? node.name : node.path)

/** The call that works out which partial or helper is meant. */
function dynamicName(node: Node): Node | undefined {
  const name = nameNode(node)
  return name?.type === 'SubExpression' ? name : undefined
}

function textOf({ type, original }: Node): string | null {
  if (type === 'SubExpression') return null
  return type === 'StringLiteral' ? JSON.stringify(original) : String(original)
}

function itemOf(node: Node, container: string | null): TemplateItem {
  const name = nameNode(node)
  const plain = name === undefined || name.type === 'SubExpression' ? null : String(name.original)
  const { params = [], hash } = node
  const inline = node.type.startsWith('Decorator') && plain === 'inline' ? params[0] : undefined
  return {
    kind: inline === undefined ? (KINDS[node.type] ?? 'helper') : 'inline',
    name: inline === undefined ? plain : inline.type === 'StringLiteral' ? String(inline.original) : null,
    ...placeOf(node),
    params: params.map(textOf),
    hash: (hash?.pairs ?? []).map(({ key }) => key),
    container,
  }
}

function valueOf(node: Node, container: string | null, locals: ReadonlySet<string>): TemplateItem {
  const first = node.parts?.[0]
  const own = node.data === true || (node.depth === 0 && typeof first === 'string' && locals.has(first))
  return { kind: own ? 'local' : 'variable', name: String(node.original), ...placeOf(node), params: [], hash: [], container }
}

function placeOf({ loc: { start, end } }: Node): Pick<TemplateItem, 'line' | 'lineEnd' | 'column'> {
  return { line: start.line, lineEnd: end.column === 0 && end.line > start.line ? end.line - 1 : end.line, column: start.column + 1 }
}

function errorOf(error: unknown): NonNullable<TemplateFacts['error']> {
  const { message = '', lineNumber } = error as { message?: string; lineNumber?: number }
  const [first = ''] = message.split('\n')
  const line = lineNumber ?? Number(/line (\d+)/.exec(first)?.[1] ?? Number.NaN)
  return { line: Number.isNaN(line) ? null : line, message: first.replace(/:$/, '').replace(/ - \d+:\d+$/, '') }
}
