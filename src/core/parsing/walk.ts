import type { NapiConfig } from '@ast-grep/napi'
import type { SyntaxNode } from './source.ts'

/** Visits a node and its descendants in source order; a visitor that answers false keeps out of that node's children. */
export function walk(root: SyntaxNode, visit: (node: SyntaxNode, depth: number) => boolean | void): void {
  const stack: { node: SyntaxNode; depth: number }[] = [{ node: root, depth: 0 }]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (visit(item.node, item.depth) === false) continue
    const children = item.node.children()
    for (let i = children.length - 1; i >= 0; i--) stack.push({ node: children[i]!, depth: item.depth + 1 })
  }
}

/** All descendants of these kinds in source order, found natively (far cheaper than `walk`). Unknown kinds throw. */
export function findKinds(root: SyntaxNode, kinds: readonly string[]): SyntaxNode[] {
  return root.findAll({ rule: { any: kinds.map((kind) => ({ kind })) } } as NapiConfig)
}

/** All nodes that match an ast-grep rule object. @throws Error where the rule does not compile. */
export function findMatches(root: SyntaxNode, matcher: NapiConfig): SyntaxNode[] {
  return root.findAll(matcher)
}

/** The nearest enclosing node of one of these kinds. */
export function enclosing(node: SyntaxNode, kinds: ReadonlySet<string>): SyntaxNode | undefined {
  for (let parent = node.parent(); parent !== null; parent = parent.parent()) if (kinds.has(String(parent.kind()))) return parent
  return undefined
}

/** Start and end in UTF-16 code units, and the 1-based first line. */
export function spanOf(node: SyntaxNode): { start: number; end: number; line: number } {
  const range = node.range()
  return { start: range.start.index, end: range.end.index, line: range.start.line + 1 }
}

export function kindOf(node: SyntaxNode): string {
  return String(node.kind())
}

const COMMENT_KINDS = new Set(['comment', 'line_comment', 'block_comment', 'html_comment', 'hash_bang_line'])

export function isComment(node: SyntaxNode): boolean {
  return COMMENT_KINDS.has(String(node.kind()))
}

/** A named child by field; `undefined` where there is none. */
export function fieldOf(node: SyntaxNode, name: string): SyntaxNode | undefined {
  return node.field(name) ?? undefined
}
