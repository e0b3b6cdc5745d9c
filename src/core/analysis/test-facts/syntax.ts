import { isComment, kindOf, parseSource, type LanguageId, type SyntaxNode } from '../../parsing/index.ts'
import type { LanguageTable } from './tables.ts'

/** A syntax tree as plain data: the native nodes are slow to ask twice. */
export type Node = {
  readonly kind: string
  readonly text: string
  readonly line: number
  readonly children: Node[]
  readonly parent: Node | null
  readonly comment: boolean
}

/** Parses to plain nodes; `undefined` where no grammar is at hand or the text does not parse well enough to compare. */
export function treeOf(text: string, language: LanguageId): { root: Node; errors: number } | undefined {
  const parsed = parseSource(text, language)
  if (parsed === undefined) return undefined
  return { root: plainOf(parsed.root, text), errors: parsed.errorCount() }
}

function plainOf(top: SyntaxNode, text: string): Node {
  const root = shellOf(top, text, null)
  const stack: [SyntaxNode, Node][] = [[top, root]]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const [native, plain] = item
    for (const child of native.children()) {
      const node = shellOf(child, text, plain)
      plain.children.push(node)
      stack.push([child, node])
    }
  }
  return root
}

function shellOf(native: SyntaxNode, text: string, parent: Node | null): Node {
  const range = native.range()
  return {
    kind: kindOf(native),
    text: text.slice(range.start.index, range.end.index),
    line: range.start.line + 1,
    children: [],
    parent,
    comment: isComment(native),
  }
}

/** Comments that change what is compiled; all others are trivia. */
const BUILD_DIRECTIVE = /^\/\/ ?(?:go:build|\+build)\b/
const CLOSERS = new Set([')', ']', '}'])
const SIMPLE_STRING = /^(['"])([^'"\\\n]*)\1$/

/** The tokens of a node without comments, statement ends and trailing commas; simple strings carry one kind of quote. */
export function tokensOf(node: Node, table: LanguageTable): string[] {
  const tokens: string[] = []
  const stack: (Node | string)[] = [node]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (typeof item === 'string') {
      tokens.push(item)
      continue
    }
    if (item.comment) {
      if (BUILD_DIRECTIVE.test(item.text)) tokens.push(item.text)
      continue
    }
    if (isBareReturn(item)) {
      tokens.push('return ;')
      continue
    }
    if (item.children.length > 0 && !table.atoms.includes(item.kind)) {
      const block = table.indented?.includes(item.kind) === true
      if (block) {
        tokens.push('\u21e5')
        stack.push('\u21e4')
      }
      for (let i = item.children.length - 1; i >= 0; i--) stack.push(item.children[i]!)
      continue
    }
    if (item.text === '' || (table.skip_tokens.includes(item.text) && !isEmptyBody(item))) continue
    if (CLOSERS.has(item.text) && tokens.at(-1) === ',' && !isSingleTuple(item.parent)) tokens.pop()
    const simple = SIMPLE_STRING.exec(item.text)
    tokens.push(simple === null ? item.text : `"${simple[2]}"`)
  }
  return tokens
}

/** `return` on a line of its own leaves the test; with its value on the next line it would return that. */
function isBareReturn(node: Node): boolean {
  return node.kind === 'return_statement' && node.children.filter((child) => !child.comment && child.text !== ';').length === 1
}

/** The semicolon of `for (…);`: what seems to be the loop's body runs once, behind it. */
function isEmptyBody(node: Node): boolean {
  const own = node.parent?.kind === 'empty_statement' ? node.parent : node
  return own.parent !== null && /^(?:for|while|if|enhanced_for)/.test(own.parent.kind) && own.parent.children.at(-1) === own
}

function isSingleTuple(node: Node | null): boolean {
  return node !== null && node.kind === 'tuple' && node.children.filter((child) => child.kind === ',').length === 1
}

const OPENERS = new Set(['(', '[', '{', '${'])

/** Splits at tokens of the outermost level, brackets kept together. */
export function splitTokens(tokens: readonly string[], separators: ReadonlySet<string>): string[][] {
  const parts: string[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (OPENERS.has(token)) depth++
    else if (CLOSERS.has(token)) depth--
    if (depth === 0 && separators.has(token)) parts.push([])
    else parts.at(-1)!.push(token)
  }
  return parts
}

const COMMA = new Set([','])

export function splitArguments(tokens: readonly string[]): string[][] {
  return splitTokens(tokens, COMMA).filter((part) => part.length > 0)
}

/** One link of a call chain: `expect(x).not.toBe(1)` is expect(x), not, toBe(1). */
export type Link = { name: string; args: Node | null; block: Node | null; node: Node }

const ARGUMENTS = new Set(['arguments', 'argument_list', 'template_string', 'annotation_argument_list'])
const CALLS = new Set(['call_expression', 'call', 'method_invocation', 'new_expression'])
const MEMBERS = new Set([
  'member_expression',
  'attribute',
  'selector_expression',
  'field_access',
  'field_expression',
  'scope_resolution',
  'scoped_identifier',
])
const BLOCKS = new Set(['do_block', 'block'])
const DOTS = new Set(['.', '?.', '&.', '::', 'optional_chain'])

export function isChain(node: Node): boolean {
  return CALLS.has(node.kind) || MEMBERS.has(node.kind)
}

/** The links of a chain of calls and members, from its root. */
export function chainOf(node: Node): Link[] {
  if (MEMBERS.has(node.kind) && node.children.length >= 3) {
    return [...chainOf(node.children[0]!), { name: node.children.at(-1)!.text, args: null, block: null, node }]
  }
  if (CALLS.has(node.kind)) {
    const args = node.children.find((child, at) => at > 0 && ARGUMENTS.has(child.kind)) ?? null
    const block = node.children.find((child) => BLOCKS.has(child.kind)) ?? null
    const first = node.children[0]
    if (first === undefined || node.kind === 'new_expression') return [{ name: '', args, block, node }]
    const dotted = node.children[1] !== undefined && DOTS.has(node.children[1].kind)
    if (dotted) {
      const name = node.children
        .slice(2)
        .find((child) => !ARGUMENTS.has(child.kind) && child.kind !== 'type_arguments' && !BLOCKS.has(child.kind))
      return [...chainOf(first), { name: name?.text ?? '', args, block, node }]
    }
    const links = chainOf(first)
    const last = links.at(-1)!
    if (last.args === null && last.block === null) return [...links.slice(0, -1), { ...last, args, block, node }]
    return [...links, { name: '', args, block, node }]
  }
  if (node.kind === 'parenthesized_expression' && node.children[1] !== undefined && isChain(node.children[1]))
    return chainOf(node.children[1])
  if (node.kind === 'await_expression' && node.children[1] !== undefined) return chainOf(node.children[1])
  return [{ name: node.children.length === 0 || node.kind === 'nil' ? node.text : '', args: null, block: null, node }]
}

const PUNCTUATION = new Set(['(', ')', ',', '[', ']', '{', '}', ';'])

/** The argument nodes of an argument list, or the elements of a list literal. */
export function itemsOf(list: Node | null): Node[] {
  return list === null ? [] : list.children.filter((child) => !child.comment && !PUNCTUATION.has(child.kind))
}

/** Words of code and of string contents, and members with their object: what a piece of a test speaks of. */
export function wordsOf(text: string): string[] {
  const members = [...text.matchAll(/(?<![\w.])([A-Za-z_]\w*) ?\. ?([A-Za-z_]\w*)/g)].map((match) => `${match[1]}.${match[2]}`)
  return [...(text.match(/[A-Za-z_][A-Za-z0-9_]{2,}/g) ?? []), ...members]
}
