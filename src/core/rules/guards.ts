import {
  familyOf,
  fieldOf,
  findKinds,
  kindOf,
  walk,
  type LanguageFamily,
  type LanguageId,
  type ParsedSource,
  type SyntaxNode,
} from '../parsing/index.ts'
import { createBindings } from './bindings.ts'
import type { Guards } from './rule.ts'

const EFFECTS = new Set([
  'call_expression',
  'call',
  'method_invocation',
  'macro_invocation',
  'new_expression',
  'object_creation_expression',
  'await_expression',
  'await',
  'yield_expression',
  'yield',
  'assignment_expression',
  'augmented_assignment_expression',
  'assignment',
  'named_expression',
  'update_expression',
  'template_call',
  'receive_expression',
  'method_call',
  'try_expression',
  'inc_statement',
  'dec_statement',
  'unary_delete',
  'subshell',
])

const BOOLEAN_OPERATORS = new Set(['===', '!==', '==', '!=', '<', '>', '<=', '>=', 'instanceof', 'in', 'not in', 'is', 'is not'])
const LOGICAL = new Set(['&&', '||', 'and', 'or'])
const ARRAY_METHODS = /\.(?:map|filter|split|slice|concat|flat|flatMap|reverse|sort|splice|match\w*)$/
const ARRAY_FUNCTIONS = /^(?:Object\.(?:keys|values|entries|getOwnPropertyNames)|Array\.(?:from|of))$/
const STRING_METHODS =
  /\.(?:toString|toLowerCase|toUpperCase|trim|trimStart|trimEnd|join|repeat|padStart|padEnd|charAt|substring|replace|replaceAll|toFixed)$/

/** Checks a rule's guards on one match. All guards are answered from syntax: a doubt is a no. */
export function createGuards(source: ParsedSource): GuardCheck {
  const known = checks.get(source)
  if (known !== undefined) return known
  const check = makeCheck(source)
  checks.set(source, check)
  return check
}

type GuardCheck = (guards: Guards | undefined, match: SyntaxNode) => boolean

/** One per tree: all rules share what was found out about its names. */
const checks = new WeakMap<ParsedSource, GuardCheck>()

function makeCheck(source: ParsedSource): GuardCheck {
  const family = familyOf(source.language)
  const bindings = createBindings(source)
  const each = (names: readonly string[] | undefined, match: SyntaxNode, holds: (node: SyntaxNode) => boolean): boolean =>
    names === undefined ||
    names.every((name) => {
      const node = match.getMatch(name)
      return node !== null && holds(node)
    })
  return (guards, match) => {
    if (guards === undefined) return true
    if (guards.fileHas?.some((text) => !source.text.includes(text)) === true) return false
    if (guards.fileLacks?.some((text) => source.text.includes(text)) === true) return false
    if (guards.notWritten === true && isWritten(match)) return false
    if (guards.truthOnly === true && !isTruthOnly(match)) return false
    if (guards.sameText !== undefined && new Set(guards.sameText.map((name) => match.getMatch(name)?.text())).size !== 1) return false
    if (!each(guards.pure, match, isPure)) return false
    if (!each(guards.boolean, match, (node) => isBoolean(node, family))) return false
    if (!each(guards.string, match, isString)) return false
    if (!each(guards.array, match, (node) => isArray(node, bindings.valueOf))) return false
    if (!each(guards.declared, match, (node) => bindings.isBound(node.text()))) return false
    return guards.noShadow?.every((name) => !bindings.isBound(name)) !== false
  }
}

export function isPure(node: SyntaxNode): boolean {
  let pure = true
  walk(node, (inner) => {
    const kind = kindOf(inner)
    if (EFFECTS.has(kind) || (kind === 'unary_expression' && inner.text().startsWith('delete'))) pure = false
    return pure
  })
  return pure
}

function unwrap(node: SyntaxNode): SyntaxNode {
  let inner = node
  while (kindOf(inner) === 'parenthesized_expression') {
    const next = inner.children().find((child) => child.isNamed())
    if (next === undefined) return inner
    inner = next
  }
  return inner
}

function operatorOf(node: SyntaxNode): string {
  return (fieldOf(node, 'operator') ?? fieldOf(node, 'operators') ?? node.child(1))?.text() ?? ''
}

function isBoolean(node: SyntaxNode, family: LanguageFamily): boolean {
  const inner = unwrap(node)
  const kind = kindOf(inner)
  if (kind === 'true' || kind === 'false' || kind === 'boolean_literal' || kind === 'not_operator') return true
  // Python's comparisons answer whatever the operand's class says; only `is`, `in` and `not` are always booleans.
  if (kind === 'comparison_operator') return /^(?:not\s+in|in|is|is\s+not)$/.test(operatorOf(inner))
  if (family === 'python') return false
  if (kind === 'unary_expression') return inner.text().startsWith('!')
  if (kind !== 'binary_expression') return false
  const operator = operatorOf(inner)
  if (BOOLEAN_OPERATORS.has(operator)) return true
  const [left, right] = [fieldOf(inner, 'left'), fieldOf(inner, 'right')]
  return LOGICAL.has(operator) && left !== undefined && right !== undefined && isBoolean(left, family) && isBoolean(right, family)
}

function isString(node: SyntaxNode): boolean {
  const inner = unwrap(node)
  const kind = kindOf(inner)
  if (kind === 'string' || kind === 'template_string' || kind.endsWith('string_literal')) return true
  if (kind === 'call_expression') {
    const called = fieldOf(inner, 'function')?.text() ?? ''
    return STRING_METHODS.test(called) || called === 'String'
  }
  if (kind !== 'binary_expression' || operatorOf(inner) !== '+') return false
  const [left, right] = [fieldOf(inner, 'left'), fieldOf(inner, 'right')]
  return (left !== undefined && isString(left)) || (right !== undefined && isString(right))
}

function isArray(node: SyntaxNode, valueOf: (name: string) => SyntaxNode | undefined, depth = 0): boolean {
  const inner = unwrap(node)
  const kind = kindOf(inner)
  if (kind === 'array') return true
  if (kind === 'call_expression') {
    const called = fieldOf(inner, 'function')?.text() ?? ''
    return (
      !called.includes('?.') && (ARRAY_METHODS.test(called) ? !/\.(?:slice|concat|match\w*)$/.test(called) : ARRAY_FUNCTIONS.test(called))
    )
  }
  if (kind !== 'identifier' || depth > 0) return false
  const value = valueOf(inner.text())
  return value !== undefined && isArray(value, valueOf, 1)
}

const WRITERS: Readonly<Record<string, string>> = {
  assignment_expression: 'left',
  augmented_assignment_expression: 'left',
  assignment: 'left',
  augmented_assignment: 'left',
  for_in_statement: 'left',
  update_expression: 'argument',
}

function isWritten(node: SyntaxNode): boolean {
  let inner = node
  for (let parent = inner.parent(); parent !== null; parent = inner.parent()) {
    const kind = kindOf(parent)
    const field = WRITERS[kind]
    if (field !== undefined) return parent.field(field)?.id() === inner.id()
    if (kind === 'unary_expression') return parent.text().startsWith('delete')
    // Destructuring targets nest; an operand of anything else is only read.
    if (
      !/^(?:array|object|array_pattern|object_pattern|pair|pair_pattern|parenthesized_expression|spread_element|assignment_pattern|non_null_expression)$/.test(
        kind,
      )
    )
      return false
    inner = parent
  }
  return false
}

const CONDITIONS: Readonly<Record<string, string>> = {
  if_statement: 'condition',
  while_statement: 'condition',
  do_statement: 'condition',
  ternary_expression: 'condition',
  for_statement: 'condition',
  elif_clause: 'condition',
}

/** True where only truth or falsehood of the value is seen: conditions, operands of `!`/`not`, and of logic inside those. */
function isTruthOnly(node: SyntaxNode): boolean {
  let inner = node
  for (let parent = inner.parent(); parent !== null; parent = inner.parent()) {
    const kind = kindOf(parent)
    const field = CONDITIONS[kind]
    if (field !== undefined) return parent.field(field)?.id() === inner.id()
    if (kind === 'not_operator') return true
    if (kind === 'unary_expression') return parent.text().startsWith('!')
    if (kind === 'conditional_expression' || kind === 'assert_statement')
      return (
        parent
          .children()
          .filter((child) => child.isNamed())
          [kind === 'assert_statement' ? 0 : 1]?.id() === inner.id()
      )
    const logic = (kind === 'binary_expression' || kind === 'boolean_operator') && LOGICAL.has(operatorOf(parent))
    if (!logic && kind !== 'parenthesized_expression') return false
    inner = parent
  }
  return false
}

/** Comment nodes inside a node. */
export function commentsIn(node: SyntaxNode, language: LanguageId): SyntaxNode[] {
  const kinds = language === 'rust' || language === 'java' ? ['line_comment', 'block_comment'] : ['comment']
  return findKinds(node, kinds)
}
