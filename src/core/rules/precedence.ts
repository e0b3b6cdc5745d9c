import { kindOf, type LanguageFamily, type SyntaxNode } from '../parsing/index.ts'

/** How tightly an expression binds: 20 never needs parentheses, 1 nearly always does. */
const ATOM = 20
const UNARY = 16
const TERNARY = 3
const ASSIGNMENT = 2

const OPERATORS: Record<string, Readonly<Record<string, number>>> = {
  python: {
    '**': 17,
    '*': 13,
    '/': 13,
    '//': 13,
    '%': 13,
    '@': 13,
    '+': 12,
    '-': 12,
    '<<': 11,
    '>>': 11,
    '&': 10,
    '^': 9,
    '|': 8,
    and: 5,
    or: 4,
  },
  javascript: {
    '**': 14,
    '*': 13,
    '/': 13,
    '%': 13,
    '+': 12,
    '-': 12,
    '<<': 11,
    '>>': 11,
    '>>>': 11,
    '<': 10,
    '>': 10,
    '<=': 10,
    '>=': 10,
    in: 10,
    instanceof: 10,
    '==': 9,
    '!=': 9,
    '===': 9,
    '!==': 9,
    '&': 8,
    '^': 7,
    '|': 6,
    '&&': 5,
    '||': 4,
    '??': 3.5,
  },
  go: {
    '*': 13,
    '/': 13,
    '%': 13,
    '<<': 13,
    '>>': 13,
    '&': 13,
    '&^': 13,
    '+': 12,
    '-': 12,
    '|': 12,
    '^': 12,
    '==': 9,
    '!=': 9,
    '<': 9,
    '<=': 9,
    '>': 9,
    '>=': 9,
    '&&': 5,
    '||': 4,
  },
  other: {
    '**': 17,
    '*': 13,
    '/': 13,
    '%': 13,
    '+': 12,
    '-': 12,
    '<<': 11,
    '>>': 11,
    '>>>': 11,
    '<': 9,
    '>': 9,
    '<=': 9,
    '>=': 9,
    '==': 9,
    '!=': 9,
    '===': 9,
    '=~': 9,
    '&': 8,
    '^': 7,
    '|': 6,
    '&&': 5,
    '||': 4,
    and: 1.5,
    or: 1.5,
  },
}

/** The words of a text: long lists of kinds read better so. */
function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

/** Kinds that bind as tightly as a name does. */
const ATOMS = words(`
  identifier property_identifier field_identifier package_identifier type_identifier constant instance_variable this self super null
  undefined true false none nil boolean number integer float string template_string regex concatenated_string char_literal
  rune_literal symbol simple_symbol array list tuple set dictionary object hash list_comprehension set_comprehension
  dictionary_comprehension parenthesized_expression parenthesized_statements call_expression call method_invocation
  member_expression attribute selector_expression field_expression field_access subscript_expression subscript index_expression
  element_reference array_access scoped_identifier non_null_expression composite_literal slice_expression type_assertion_expression
  macro_invocation interpreted_string_literal raw_string_literal int_literal float_literal string_literal integer_literal
  decimal_integer_literal boolean_literal ellipsis method_call try_expression array_expression tuple_expression null_literal
  class_literal parenthesized_list_splat
`)

const LEVELS: Readonly<Record<string, number>> = {
  new_expression: 19,
  object_creation_expression: 19,
  update_expression: 17,
  await_expression: UNARY,
  unary_expression: UNARY,
  await: 18,
  unary_operator: 15,
  pointer_expression: UNARY,
  reference_expression: UNARY,
  cast_expression: UNARY,
  type_cast_expression: 15,
  sizeof_expression: UNARY,
  unary: UNARY,
  comparison_operator: 7,
  not_operator: 6,
  as_expression: 10,
  satisfies_expression: 10,
  instanceof_expression: 10,
  ternary_expression: TERNARY,
  conditional_expression: TERNARY,
  conditional: TERNARY,
  range_expression: TERNARY,
  range: TERNARY,
  assignment_expression: ASSIGNMENT,
  augmented_assignment_expression: ASSIGNMENT,
  assignment: ASSIGNMENT,
  arrow_function: ASSIGNMENT,
  yield_expression: ASSIGNMENT,
  function_expression: ASSIGNMENT,
  class: ASSIGNMENT,
  lambda: ASSIGNMENT,
  lambda_expression: ASSIGNMENT,
  closure_expression: ASSIGNMENT,
  func_literal: ASSIGNMENT,
  augmented_assignment: ASSIGNMENT,
  named_expression: 1,
  sequence_expression: 1,
  expression_list: 1,
  generator_expression: ATOM,
  yield: 0,
  spread_element: ASSIGNMENT,
}

const BINARY = new Set(['binary_expression', 'binary_operator', 'boolean_operator', 'binary'])
/** Between the brackets of these, any expression but a comma list may stand. */
const OPEN_CONTEXTS = words(`
  arguments argument_list array list tuple set parenthesized_expression template_substitution interpolation expression_statement
  return_statement return throw_statement raise_statement variable_declarator assignment_expression assignment pair spread_element
  keyword_argument if_statement while_statement elif_clause statement_block block program module source_file translation_unit
  body_statement let_declaration var_spec short_var_declaration expression_list jsx_expression augmented_assignment
  augmented_assignment_expression local_variable_declaration init_declarator macro_invocation token_tree statement_list then if
  unless while list_splat dictionary_splat for_statement for_in_clause parenthesized_statements assert_statement field_initializer
  keyed_element literal_element match_arm arrow_function public_field_definition if_expression
`)

/** How tightly this node binds; unknown kinds bind loosely, so that they get parentheses rather than lose their meaning. */
export function levelOf(node: SyntaxNode, family: LanguageFamily): number {
  const kind = kindOf(node)
  if (BINARY.has(kind)) return (OPERATORS[family] ?? OPERATORS['other']!)[operatorOf(node)] ?? ASSIGNMENT
  const known = LEVELS[kind]
  if (known !== undefined) return known
  // Types, names and tokens are no expressions: parentheses would break them.
  if (kind === 'call_expression') return ATOM
  return ATOMS.has(kind) || kind.endsWith('_type') || kind.endsWith('identifier') || node.isLeaf() ? ATOM + 1 : 0
}

/** How tightly whatever stands at the place of `node` must bind to be read as one operand. */
export function levelRequiredAt(node: SyntaxNode, family: LanguageFamily): number {
  const parent = node.parent()
  if (parent === null) return 0
  const kind = kindOf(parent)
  if (kind === 'subscript_expression' || kind === 'subscript' || kind === 'index_expression' || kind === 'element_reference') {
    return parent.children()[0]?.id() === node.id() ? ATOM : ASSIGNMENT
  }
  // `new a()()` would call the new object.
  if (kind === 'new_expression') return ATOM + 1
  if (OPEN_CONTEXTS.has(kind)) return ASSIGNMENT
  if (BINARY.has(kind)) {
    const operator = operatorOf(parent)
    const level = levelOf(parent, family)
    const left = (parent.child(0)?.id() ?? -1) === node.id()
    if (operator === '??') return 6
    if (operator === '**') return left ? UNARY + 1.5 : family === 'python' ? 15 : level
    return left ? level : level + 0.5
  }
  if (kind === 'comparison_operator') return 7.5
  if (kind === 'ternary_expression' || kind === 'conditional_expression' || kind === 'conditional') return TERNARY + 0.5
  const level = LEVELS[kind]
  if (level !== undefined && level <= UNARY && level > TERNARY) return level
  return ATOM
}

function operatorOf(node: SyntaxNode): string {
  return (node.field('operator') ?? node.child(1))?.text() ?? ''
}

/** A number before a dot would swallow it. */
export function isBareNumber(node: SyntaxNode): boolean {
  return /^(?:number|integer|float)$/.test(kindOf(node))
}
