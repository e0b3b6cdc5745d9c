import {
  type LanguageFamily,
  type LanguageId,
  type SyntaxNode,
  createByteOffsets,
  enclosing,
  familyOf,
  isComment,
  kindOf,
  parseSource,
  parses,
  spanOf,
  walk,
} from '../../parsing/index.ts'
import { plantLineFaults } from './line-faults.ts'

export type FaultKind = 'relation' | 'number' | 'boolean' | 'condition' | 'return' | 'arithmetic' | 'logic' | 'call' | 'arguments'

/** A small change of behaviour a good test should notice. `start` and `end` are bytes of the text. */
export type Fault = { start: number; end: number; text: string; kind: FaultKind; line: number; functionName: string }

type Table = {
  functions: ReadonlySet<string>
  conditions: ReadonlySet<string>
  returns: ReadonlySet<string>
  returned: string
  statements: ReadonlySet<string>
  calls: ReadonlySet<string>
  numbers: ReadonlySet<string>
  booleans: Readonly<Record<string, string>>
  negate: (condition: string) => string
  /** Lists of arguments: two of them can change places. */
  arguments: ReadonlySet<string>
}

const RELATIONS: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  is: 'is not',
  in: 'not in',
}
const ARITHMETIC: Readonly<Record<string, string>> = { '+': '-', '-': '+', '*': '/', '/': '*' }
const LOGIC: Readonly<Record<string, string>> = { '&&': '||', '||': '&&', and: 'or', or: 'and' }
const SYMBOLIC = {
  booleans: { true: 'false', false: 'true' },
  negate: (condition: string) => `!(${condition})`,
  arguments: new Set(['arguments', 'argument_list']),
}

/** What the nodes are called per language family. Node kinds are those of the tree-sitter grammars. */
const TABLES: Partial<Record<LanguageFamily, Table>> = {
  javascript: {
    functions: new Set([
      'function_declaration',
      'function_expression',
      'arrow_function',
      'method_definition',
      'generator_function_declaration',
    ]),
    conditions: new Set(['if_statement', 'while_statement', 'ternary_expression']),
    returns: new Set(['return_statement']),
    returned: 'return undefined',
    statements: new Set(['expression_statement']),
    calls: new Set([
      'call_expression',
      'await_expression',
      'assignment_expression',
      'augmented_assignment_expression',
      'update_expression',
    ]),
    numbers: new Set(['number']),
    ...SYMBOLIC,
  },
  python: {
    functions: new Set(['function_definition', 'lambda']),
    conditions: new Set(['if_statement', 'while_statement', 'elif_clause']),
    returns: new Set(['return_statement']),
    returned: 'return None',
    statements: new Set(['expression_statement']),
    calls: new Set(['call', 'assignment', 'augmented_assignment', 'await']),
    numbers: new Set(['integer', 'float']),
    booleans: { True: 'False', False: 'True' },
    negate: (condition) => `not (${condition})`,
    arguments: new Set(['argument_list']),
  },
  go: {
    functions: new Set(['function_declaration', 'method_declaration', 'func_literal']),
    conditions: new Set(['if_statement', 'for_clause']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['call_expression']),
    numbers: new Set(['int_literal', 'float_literal']),
    ...SYMBOLIC,
  },
  rust: {
    functions: new Set(['function_item', 'closure_expression']),
    conditions: new Set(['if_expression', 'while_expression']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['call_expression', 'assignment_expression', 'compound_assignment_expr']),
    numbers: new Set(['integer_literal', 'float_literal']),
    ...SYMBOLIC,
  },
  c: {
    functions: new Set(['function_definition']),
    conditions: new Set(['if_statement', 'while_statement']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['call_expression', 'assignment_expression', 'update_expression']),
    numbers: new Set(['number_literal']),
    ...SYMBOLIC,
  },
  java: {
    functions: new Set(['method_declaration', 'constructor_declaration', 'lambda_expression']),
    conditions: new Set(['if_statement', 'while_statement']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['method_invocation', 'assignment_expression', 'update_expression']),
    numbers: new Set(['decimal_integer_literal']),
    ...SYMBOLIC,
  },
  ruby: {
    functions: new Set(['method', 'singleton_method']),
    conditions: new Set(['if', 'unless', 'while']),
    returns: new Set(['return']),
    returned: 'return nil',
    statements: new Set(),
    calls: new Set(),
    numbers: new Set(['integer', 'float']),
    ...SYMBOLIC,
  },
}

type Raw = Omit<Fault, 'line' | 'functionName'> & { node: SyntaxNode }

/** The faults one node offers, in UTF-16 offsets. */
function faultsOf(node: SyntaxNode, table: Table): Raw[] {
  const kind = kindOf(node)
  const text = node.text()
  const { start, end } = spanOf(node)
  const fault = (of: FaultKind, replacement: string): Raw => ({ start, end, text: replacement, kind: of, node })
  if (node.isLeaf()) {
    const operatorOf = node.parent()
    const inOperation = operatorOf !== null && /binary|comparison|boolean_operator/.test(kindOf(operatorOf))
    if (inOperation && RELATIONS[text]) return [fault('relation', RELATIONS[text])]
    if (inOperation && LOGIC[text]) return [fault('logic', LOGIC[text])]
    if (inOperation && ARITHMETIC[text]) return [fault('arithmetic', ARITHMETIC[text])]
    if (table.booleans[text] && /^(true|false|boolean_literal)$/.test(kind)) return [fault('boolean', table.booleans[text])]
    if (table.numbers.has(kind) && /^\d{1,9}$/.test(text)) return [fault('number', String(Number(text) + 1))]
    return []
  }
  if (table.booleans[text] && kind === 'boolean_literal') return [fault('boolean', table.booleans[text])]
  if (table.conditions.has(kind)) {
    const condition = node.field('condition')
    if (!condition || kindOf(condition) === 'let_condition') return []
    const span = spanOf(condition)
    const inner = condition.text()
    const wrapped = inner.startsWith('(') && inner.endsWith(')')
    return [
      { ...span, text: wrapped ? `(${table.negate(inner)})` : table.negate(inner), kind: 'condition', node: condition },
      // the body never runs: for where a negation does not parse
      { ...span, text: wrapped ? `(${never(table)})` : never(table), kind: 'condition', node: condition },
    ]
  }
  if (table.arguments.has(kind)) {
    const [first, second] = node.children().filter((child) => child.isNamed() && !isComment(child))
    if (!first || !second || first.text() === second.text() || /^[.*]/.test(first.text() + second.text())) return []
    const [from, to] = [spanOf(first), spanOf(second)]
    const between = text.slice(from.end - start, to.start - start)
    return [{ start: from.start, end: to.end, text: `${second.text()}${between}${first.text()}`, kind: 'arguments', node: first }]
  }
  if (kind === 'binary_expression' && node.children().some((child) => child.text() === '??')) {
    // the default is lost; with `&&` instead the value would be, which every test of the plain case notices
    const left = node.field('left')
    return left ? [fault('logic', left.text())] : []
  }
  // A typed language has no value that fits everywhere; a negated comparison and a number one higher always do.
  if (/^(return_statement|return_expression)$/.test(kind) && table.returned === '') return typedReturn(node, table)
  if (table.returns.has(kind) && node.children().some((child) => child.isNamed() && !isComment(child))) {
    const ending = text.endsWith(';') ? ';' : ''
    return text.trimEnd() === `${table.returned}${ending}` ? [] : [fault('return', `${table.returned}${ending}`)]
  }
  if (table.statements.has(kind)) {
    const first = node.children().find((child) => child.isNamed())
    if (first && table.calls.has(kindOf(first)) && !first.text().startsWith('super')) {
      const filler = table.booleans['True'] ? 'pass' : text.endsWith(';') ? ';' : '{}'
      return [fault('call', filler)]
    }
  }
  return []
}

const never = (table: Table): string => (table.booleans['True'] ? 'False' : 'false')

const COMPARISON = /^(binary_expression|comparison_operator|unary_expression)$/

function typedReturn(node: SyntaxNode, table: Table): Raw[] {
  const outer = node.children().find((child) => child.isNamed() && !isComment(child))
  const value = outer && kindOf(outer) === 'expression_list' ? outer.children().find((child) => child.isNamed()) : outer
  if (!value) return []
  const span = spanOf(value)
  const inner = value.text()
  if (table.numbers.has(kindOf(value)) && /^\d{1,9}$/.test(inner))
    return [{ ...span, text: String(Number(inner) + 1), kind: 'return', node: value }]
  const compares = value.children().some((child) => RELATIONS[child.text()] !== undefined || /^(&&|\|\||!)$/.test(child.text()))
  return COMPARISON.test(kindOf(value)) && compares ? [{ ...span, text: table.negate(inner), kind: 'return', node: value }] : []
}

function nameOf(node: SyntaxNode, table: Table): string {
  for (let owner = enclosing(node, table.functions); owner; owner = enclosing(owner, table.functions)) {
    const name = owner.field('name') ?? owner.field('declarator')
    if (name) return name.text().split('(')[0]!.trim()
    const declared = owner.parent()
    if (declared && /variable_declarator|assignment|pair|public_field_definition|field_definition/.test(kindOf(declared)))
      return (declared.field('name') ?? declared.field('left') ?? declared.field('key'))?.text() ?? '(anonymous)'
  }
  return '(top level)'
}

/** A fixed order that spreads over the file: multiplicative hashing of the position with the seed (Knuth, TAOCP 3, 6.4). */
function rank(start: number, seed: number): number {
  return Math.imul(start + 1, 2_654_435_761 + seed * 2) >>> 0
}

/**
 * Faults for a text, at most `max` and at most one per line, deterministic for a seed. Every fault parses. Languages
 * without a table give tokens outside strings and comments. `lines` (1-based) restricts where they are planted; `kinds` to the surest ones first.
 */
export function plantFaults(options: {
  text: string
  language: LanguageId
  lines?: ReadonlySet<number>
  seed: number
  max: number
}): Fault[] {
  const { text, language, lines, seed, max } = options
  const table = TABLES[familyOf(language)]
  const parsed = table && parseSource(text, language)
  if (!table || !parsed)
    return plantLineFaults(options)
      .filter(({ after }) => parses(after, language))
      .map(({ fault }) => fault)
      .slice(0, max)
  const byLine = new Map<number, Raw[]>()
  walk(parsed.root, (node) => {
    if (
      isComment(node) ||
      /^(string|template_string|import_statement|import_declaration|attribute_item|type_annotation|interface_declaration)$/.test(
        kindOf(node),
      )
    )
      return false
    for (const fault of faultsOf(node, table)) {
      const { line } = spanOf(fault.node)
      if (!lines || lines.has(line)) byLine.set(line, [...(byLine.get(line) ?? []), fault])
    }
    return undefined
  })
  const bytes = createByteOffsets(text)
  const order = [...byLine].toSorted(([, [a]], [, [b]]) => rank(a!.start, seed) - rank(b!.start, seed))
  const faults: Fault[] = []
  for (const [line, candidates] of order) {
    if (faults.length >= max) break
    for (const { node, ...fault } of candidates.toSorted((a, b) => STRENGTH[b.kind] - STRENGTH[a.kind])) {
      if (!parses(text.slice(0, fault.start) + fault.text + text.slice(fault.end), language)) continue
      faults.push({ ...fault, start: bytes(fault.start), end: bytes(fault.end), line, functionName: nameOf(node, table) })
      break
    }
  }
  return faults
}

/** How surely a fault changes what can be observed; the surest of a line is planted. */
const STRENGTH: Readonly<Record<FaultKind, number>> = {
  return: 8,
  condition: 7,
  relation: 6,
  boolean: 5,
  logic: 4,
  arithmetic: 3,
  arguments: 2.5,
  number: 2,
  call: 1,
}
