import { familyOf, type LanguageFamily, type LanguageId } from './languages.ts'
import { parseSource, type SyntaxNode } from './source.ts'
import { isComment } from './walk.ts'

/** Comments that are instructions to a tool: they are never trivia. */
const DIRECTIVE = new RegExp(
  [
    String.raw`^#!`,
    String.raw`^//go:`,
    String.raw`^// ?\+build\b`,
    String.raw`^//export\b`,
    String.raw`\b(?:eslint|oxlint|biome|prettier|istanbul|c8|v8|stylelint|jshint|jscs|tslint|webpack\w+)\b.*`,
    String.raw`@ts-|@jsx|@flow|@vitest|@jest|@license|@preserve|[#@]__PURE__|[#@]__NO_SIDE`,
    String.raw`#\s*(?:type:|noqa|pragma|pylint:|mypy:|pyright:|ruff:|nosec|fmt:|isort:|-\*-|coding[:=]|frozen_string_literal|rubocop:)`,
    String.raw`\bnolint\b|\bNOLINT\b|\blint:|#nosec|\bnoinspection\b|\bFALLTHROUGH\b|sourceMappingURL|sourceURL`,
  ].join('|'),
)

/** Lists in which a comma before the closing bracket changes nothing. A one-element Python tuple is told apart by its kind. */
const TRAILING_COMMA: Partial<Record<LanguageFamily, ReadonlySet<string>>> = {
  javascript: new Set([
    'arguments',
    'array',
    'object',
    'formal_parameters',
    'object_pattern',
    'named_imports',
    'export_clause',
    'type_arguments',
    'type_parameters',
    'enum_body',
    'object_type',
  ]),
  python: new Set(['argument_list', 'list', 'dictionary', 'set', 'parameters', 'tuple', 'import_from_statement', 'lambda_parameters']),
  go: new Set(['argument_list', 'parameter_list', 'literal_value']),
  rust: new Set([
    'arguments',
    'parameters',
    'array_expression',
    'field_initializer_list',
    'field_declaration_list',
    'enum_variant_list',
    'use_list',
  ]),
}

const CLOSERS = new Set([')', ']', '}', '>'])
/** In these nodes white space is content. */
const LITERAL = /string|template|heredoc|regex|_text$|^text$|char_literal|character|rune/

/**
 * True only where both texts parse without errors to the same syntax tree: same kinds, same tokens, in the same order.
 * Ignored are white space, comments that are no directives, statement-ending semicolons of JavaScript, trailing commas in lists,
 * and the choice of quotes around a string without quotes or escapes. Not ignored is anything else, parentheses included.
 * (What a program can still see: its own line numbers and `Function.prototype.toString`.)
 */
export function astEqual(before: string, after: string, language: LanguageId): boolean {
  if (before === after) return true
  const one = parseSource(before, language)
  const two = parseSource(after, language)
  if (one === undefined || two === undefined || one.errorCount() > 0 || two.errorCount() > 0) return false
  // C preprocessor lines, C's __LINE__ Go's cgo preamble and the expected output of its examples give comments and line breaks a meaning the tree does not show.
  if (language === 'c' && /__LINE__|\\\r?\n/.test(before + after)) return false
  if (language === 'go' && /^\s*import\s+"C"|\/\/\s*(?:unordered )?output:/im.test(before + after)) return false
  return fingerprintOf(one.root, one.text, familyOf(language)) === fingerprintOf(two.root, two.text, familyOf(language))
}

function fingerprintOf(root: SyntaxNode, text: string, family: LanguageFamily): string {
  const parts: string[] = []
  const stack: (SyntaxNode | null)[] = [root]
  while (stack.length > 0) {
    const node = stack.pop()!
    if (node === null) {
      parts.push(')')
      continue
    }
    const children = node.children()
    const kind = String(node.kind())
    if (isComment(node)) {
      if (DIRECTIVE.test(node.text())) parts.push(`(!${node.text().trim()})`)
      continue
    }
    if (children.length === 0) {
      parts.push(`(${kind} ${JSON.stringify(node.text())})`)
      continue
    }
    const plain = family === 'javascript' && kind === 'string' ? plainString(node.text()) : undefined
    if (plain !== undefined) {
      parts.push(`(string ${JSON.stringify(plain)})`)
      continue
    }
    parts.push(`(${kind}${hiddenText(node, children, text, LITERAL.test(kind))}`)
    stack.push(null)
    for (let i = children.length - 1; i >= 0; i--) if (!isTrivialToken(children, i, kind, family)) stack.push(children[i]!)
  }
  return parts.join('')
}

/** Text of a node that none of its children holds: content in literals, and wherever it is more than white space. */
function hiddenText(node: SyntaxNode, children: readonly SyntaxNode[], text: string, literal: boolean): string {
  const { start, end } = node.range()
  const gaps: string[] = []
  let position = start.index
  for (const child of [...children, null]) {
    const range = child?.range()
    const gap = text.slice(position, range?.start.index ?? end.index)
    if (literal ? gap !== '' : gap.trim() !== '') gaps.push(gap)
    else if (literal) gaps.push('')
    position = range?.end.index ?? end.index
  }
  return gaps.some((gap) => gap !== '') ? ` ${JSON.stringify(gaps)}` : ''
}

function isTrivialToken(children: readonly SyntaxNode[], index: number, parent: string, family: LanguageFamily): boolean {
  const node = children[index]!
  if (node.isNamed()) return false
  const kind = String(node.kind())
  if (kind === ';')
    return (
      family === 'javascript' &&
      index === lastSolid(children, children.length - 1) &&
      !parent.startsWith('for_') &&
      parent !== 'empty_statement'
    )
  if (kind !== ',' || TRAILING_COMMA[family]?.has(parent) !== true) return false
  const next = children[nextSolid(children, index + 1)]
  const previous = children[lastSolid(children, index - 1)]
  return next !== undefined && CLOSERS.has(String(next.kind())) && previous?.isNamed() === true
}

function nextSolid(children: readonly SyntaxNode[], from: number): number {
  let i = from
  while (i < children.length && isComment(children[i]!)) i++
  return i
}

function lastSolid(children: readonly SyntaxNode[], from: number): number {
  let i = from
  while (i >= 0 && isComment(children[i]!)) i--
  return i
}

/** The content of a string literal that holds neither quotes nor escapes nor line breaks. */
function plainString(text: string): string | undefined {
  const content = text.slice(1, -1)
  return /["'`\\\r\n]/.test(content) ? undefined : content
}
