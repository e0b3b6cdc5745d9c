import { chainOf, isChain, tokensOf, type Node } from './syntax.ts'
import { nameOf } from './assertions.ts'
import type { LanguageTable } from './tables.ts'

/** A statement after which nothing of its block runs. */
export function isDead(statement: Node): boolean {
  // A `return` with children is the statement, without it is the keyword inside of one.
  if (statement.kind === 'return') return statement.children.length > 0
  if (/^(?:return_statement|raise_statement|throw_statement)$/.test(statement.kind)) return true
  return statement.kind === 'expression_statement' && statement.children[0]?.kind === 'return_expression'
}

/** An unconditional `t.Skip()`, `pytest.skip()`, `this.skip()`, `skip`. */
export function isSkipCall(statement: Node, table: LanguageTable): boolean {
  const names = table.tests.skip_calls ?? []
  if (names.includes(statement.text)) return true
  const call = statement.kind === 'expression_statement' ? statement.children[0] : statement
  if (call === undefined || !isChain(call)) return false
  const links = chainOf(call)
  return links.at(-1)!.args !== null && names.includes(nameOf(links))
}

const TRY = /^(?:try_statement|begin|try_expression)$/
const HANDLER = /^(?:catch_clause|except_clause|rescue)$/
const REPORTS = /\b(?:throw|raise|rethrow|fail|done|reject|next|t\.(?:Error|Fatal)\w*|assert\w*|expect|should|flunk|end|cb|callback)\b/

/** The part of a `try` whose failed assertions its handler would hide; `undefined` where failures get out. */
export function swallows(node: Node, table: LanguageTable): Node | undefined {
  if (!TRY.test(node.kind)) return undefined
  const handler = node.children.find((child) => HANDLER.test(child.kind))
  if (handler === undefined) return undefined
  const words = tokensOf(handler, table)
  if (REPORTS.test(handler.text.replace(/^\s*rescue|\bend\b/g, ''))) return undefined
  const types = typesOf(handler)
  if (table.catches.length > 0 && types !== '' && !table.catches.some((name) => types.includes(name))) return undefined
  if (table.catches.length > 0 && types === '' && table.languages.includes('ruby')) return undefined
  return words.length === 0 ? undefined : (node.children.find((child) => /block|body/.test(child.kind)) ?? node.children[1])
}

function typesOf(handler: Node): string {
  const body = handler.children.find((child) => /block|body|then/.test(child.kind))
  const head = handler.children.slice(1, body === undefined ? undefined : handler.children.indexOf(body))
  return head
    .map((child) => child.text)
    .join(' ')
    .replace(/[:()]/g, ' ')
    .trim()
}
