import {
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
import { ARITHMETIC, LOGIC, RELATIONS, TABLES, type Table } from './tables.ts'

export type FaultKind = 'relation' | 'number' | 'boolean' | 'condition' | 'return' | 'arithmetic' | 'logic' | 'call' | 'arguments' | 'text'

/** A small change of behaviour a good test should notice. `start` and `end` are bytes of the text. */
export type Fault = { start: number; end: number; text: string; kind: FaultKind; line: number; functionName: string }

type Raw = Omit<Fault, 'line' | 'functionName'> & { node: SyntaxNode }

/** Places whose value a compiler works with: lengths, labels, patterns, attributes, constants of the preprocessor. */
const FIXED =
  /^(?:array_type|array_declarator|array_expression|dimensions_expr|expression_case|case_statement|switch_label|match_pattern|tuple_pattern|tuple_struct_pattern|range_pattern|index_expression|slice_expression|subscript_expression|enumerator|enum_variant|bitfield_clause|preproc_.*|attribute|annotation|const_item|static_item|static_assert_declaration|token_tree|generic_type|type_arguments|literal_type)$/

function isFixed(node: SyntaxNode): boolean {
  if (node.parent() && kindOf(node.parent()!) === 'field_expression') return true // the second of a tuple
  for (let owner = node.parent(); owner && !/statement_list$|^block$|^compound_statement$/.test(kindOf(owner)); owner = owner.parent())
    if (FIXED.test(kindOf(owner))) return true
  return false
}

/** One more, or one less where one more does not fit the widest value of a type. */
function neighbour(number: string): string {
  const value = Number(number)
  return String(value >= 127 && Math.log2(value + 1) % 1 === 0 ? value - 1 : value + 1)
}

const CONSTANT = /^[(\s]*(?:true|false|\d+)[)\s]*$/
/** Calls that never come back: what follows them may not compile when they do. */
const NO_RETURN = /(?:^|[.:])(?:panic|exit|abort|fatalf?|unreachable|_exit|longjmp|throw\w*)!?\s*\(/i

/** The faults one node offers, in UTF-16 offsets. `strict` keeps to those a compiler accepts. */
function faultsOf(node: SyntaxNode, table: Table, strict: boolean): Raw[] {
  const kind = kindOf(node)
  const text = node.text()
  const { start, end } = spanOf(node)
  const fault = (of: FaultKind, replacement: string | undefined): Raw[] =>
    replacement === undefined ? [] : [{ start, end, text: replacement, kind: of, node }]
  const turned = /^(true|false|boolean_literal)$/.test(kind) ? table.booleans.get(text) : undefined
  if (turned !== undefined) return strict && (isFixed(node) || isWhole(node, table)) ? [] : fault('boolean', turned)
  if (node.isLeaf()) {
    const operatorOf = node.parent()
    if (operatorOf !== null && /binary|comparison|boolean_operator/.test(kindOf(operatorOf)) && !(strict && isFixed(node))) {
      if (RELATIONS.has(text)) return fault('relation', RELATIONS.get(text))
      if (LOGIC.has(text)) return fault('logic', LOGIC.get(text))
      // `+` joins texts as well: only a compiler knows
      if (ARITHMETIC.has(text)) return strict ? [] : fault('arithmetic', ARITHMETIC.get(text))
    }
    if (strict && isPlainText(node)) return fault('text', '""')
    if (table.numbers.has(kind) && /^\d{1,9}$/.test(text) && !(strict && isFixed(node))) return fault('number', neighbour(text))
    return []
  }
  if (strict && isPlainText(node)) return fault('text', '""')
  if (table.conditions.has(kind)) {
    const condition = node.field('condition')
    if (!condition || kindOf(condition).startsWith('let_c') || (strict && CONSTANT.test(condition.text()))) return []
    const span = spanOf(condition)
    const inner = condition.text()
    const wrapped = inner.startsWith('(') && inner.endsWith(')')
    const negated: Raw = { ...span, text: wrapped ? `(${table.negate(inner)})` : table.negate(inner), kind: 'condition', node: condition }
    // the body never runs: for where a negation does not parse
    const never: Raw = { ...span, text: wrapped ? `(${neverOf(table)})` : neverOf(table), kind: 'condition', node: condition }
    return strict ? [negated] : [negated, never]
  }
  if (table.arguments.has(kind)) {
    const [first, second] = node.children().filter((child) => child.isNamed() && !isComment(child))
    if (strict || !first || !second || first.text() === second.text() || /^[.*]/.test(first.text() + second.text())) return []
    const [from, to] = [spanOf(first), spanOf(second)]
    const between = text.slice(from.end - start, to.start - start)
    return [{ start: from.start, end: to.end, text: `${second.text()}${between}${first.text()}`, kind: 'arguments', node: first }]
  }
  if (kind === 'binary_expression' && node.children().some((child) => child.text() === '??')) {
    // the default is lost; with `&&` instead the value would be, which every test of the plain case notices
    return strict ? [] : fault('logic', node.field('left')?.text())
  }
  // A typed language has no value that fits everywhere; a negated comparison, a number one higher and an empty text do.
  if (strict && /^(return_statement|return_expression)$/.test(kind)) return typedReturn(node, table)
  if (table.returns.has(kind) && node.children().some((child) => child.isNamed() && !isComment(child))) {
    const ending = text.endsWith(';') ? ';' : ''
    return text.trimEnd() === `${table.returned}${ending}` ? [] : fault('return', `${table.returned}${ending}`)
  }
  if (table.statements.has(kind)) {
    const first = node.children().find((child) => child.isNamed())
    if (!first || !table.calls.has(kindOf(first)) || first.text().startsWith('super')) return []
    // the call stays in the text, so that every name in it stays used
    if (strict) return /call|invocation/.test(kindOf(first)) && !NO_RETURN.test(text) ? fault('call', table.skip(text)) : []
    return fault('call', table.booleans.has('True') ? 'pass' : text.endsWith(';') ? ';' : '{}')
  }
  return []
}

const neverOf = (table: Table): string => (table.booleans.has('True') ? 'False' : 'false')

/** A constant that is a condition by itself: what follows `while (true)` is unreachable to a compiler. */
function isWhole(node: SyntaxNode, table: Table): boolean {
  for (let owner = node.parent(); owner; owner = owner.parent()) {
    if (table.conditions.has(kindOf(owner)) || /^(?:for_statement|do_statement)$/.test(kindOf(owner))) return true
    if (!/parenthesi/.test(kindOf(owner))) return false
  }
  return false
}

/** A text that is a value like any other. Not in Go, where texts are keys, cases and checked formats. */
const isPlainText = (node: SyntaxNode): boolean => kindOf(node) === 'string_literal' && /^"[^"\\]+"$/.test(node.text()) && !isFixed(node)

const COMPARISON = /^(binary_expression|comparison_operator|unary_expression)$/
const TEXT = /^(?:interpreted_string_literal|string_literal)$/

function typedReturn(node: SyntaxNode, table: Table): Raw[] {
  const outer = node.children().find((child) => child.isNamed() && !isComment(child))
  const value = outer && kindOf(outer) === 'expression_list' ? outer.children().find((child) => child.isNamed()) : outer
  if (!value) return []
  const span = spanOf(value)
  const inner = value.text()
  const fault = (text: string): Raw[] => [{ ...span, text, kind: 'return', node: value }]
  if (table.numbers.has(kindOf(value)) && /^\d{1,9}$/.test(inner)) return fault(neighbour(inner))
  if (TEXT.test(kindOf(value)) && /^"[^"]+"$/.test(inner)) return fault('""')
  const compares = value.children().some((child) => RELATIONS.has(child.text()) || /^(&&|\|\||!)$/.test(child.text()))
  return COMPARISON.test(kindOf(value)) && compares ? fault(table.negate(inner)) : []
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

/** A declaration without a body of its own (`def f(a: int = 1) -> int: ...`): nothing of it ever runs. */
function isStub(node: SyntaxNode): boolean {
  return kindOf(node) === 'function_definition' && /(?:^|\n\s*)\.\.\.$/.test(node.field('body')?.text().trim() ?? '')
}

/** A named function and the lines (1-based) that run when it is called: its body, without the line that declares it. */
export type FunctionBody = { name: string; line: number; lines: readonly number[] }

/** The named functions of a text, outer ones first; empty where the language has no table. */
export function listFunctions(text: string, language: LanguageId): FunctionBody[] {
  const table = TABLES[familyOf(language)]
  const parsed = table && parseSource(text, language)
  const found: FunctionBody[] = []
  if (!table || !parsed) return found
  walk(parsed.root, (node) => {
    if (isStub(node)) return false
    if (!table.functions.has(kindOf(node))) return undefined
    const body = node.field('body')
    const first = body?.children().find((child) => child.isNamed()) ?? body
    const name = first && nameOf(first, table)
    if (!body || !name || name.startsWith('(')) return undefined
    const [head, start, end] = [spanOf(node).line, spanOf(body).line, spanOf(body).line + body.text().split('\n').length - 1]
    const from = start === end ? start : Math.max(start, head + 1)
    found.push({ name, line: head, lines: Array.from({ length: Math.max(1, end - from + 1) }, (_value, index) => from + index) })
    return undefined
  })
  return found
}

/** A fixed order that spreads over the file: multiplicative hashing of the position with the seed (Knuth, TAOCP 3, 6.4). */
function rank(start: number, seed: number): number {
  return Math.imul(start + 1, 2_654_435_761 + seed * 2) >>> 0
}

/**
 * Faults for a text, at most `max` and at most one per line (the surest kind), deterministic for a seed. Every fault
 * parses; in a language that is compiled, or with `compiled`, it keeps types and names as well. Languages without a table
 * give tokens outside strings and comments. `lines` (1-based) restricts where they are planted.
 */
export function plantFaults(options: {
  text: string
  language: LanguageId
  lines?: ReadonlySet<number>
  seed: number
  max: number
  compiled?: boolean
}): Fault[] {
  const { text, language, lines, seed, max } = options
  const table = TABLES[familyOf(language)]
  const parsed = table && parseSource(text, language)
  if (!table || !parsed)
    return plantLineFaults(options)
      .filter(({ after }) => parses(after, language))
      .map(({ fault }) => fault)
      .slice(0, max)
  const strict = table.compiled || options.compiled === true
  const byLine = new Map<number, Raw[]>()
  walk(parsed.root, (node) => {
    if (
      isComment(node) ||
      isStub(node) ||
      /^(string|template_string|import_statement|import_declaration|attribute_item|type_annotation|interface_declaration|type_alias_declaration|type_arguments|ambient_declaration|type)$/.test(
        kindOf(node),
      )
    )
      return false
    for (const fault of faultsOf(node, table, strict)) {
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
      // a grammar that does not know a macro finds errors in a text that compiles: a fault may not add one
      const changed = text.slice(0, fault.start) + fault.text + text.slice(fault.end)
      if ((parseSource(changed, language)?.errorCount() ?? 0) > parsed.errorCount()) continue
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
  text: 0.5,
}
