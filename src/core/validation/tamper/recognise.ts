import type { Claim } from './expression.ts'
import { chainOf, isChain, itemsOf, splitArguments, tokensOf, type Node } from './syntax.ts'
import type { LanguageTable, TestState } from './tables.ts'

/** A test or suite at a node. `shell` are header parts in which code may stand that is neither. */
export type Found = {
  role: 'test' | 'suite'
  name: string
  state: TestState
  rows: readonly string[]
  node: Node
  body: Node | null
  shell: readonly Node[]
  /** Tokens in front of the node that belong to it (attributes, decorators). */
  header: readonly string[]
  /** What its header itself demands (`#[should_panic]`). */
  claims: readonly Claim[]
}

export type Recogniser = {
  find(node: Node, insideTest: boolean): Found | undefined
  /** A mark that holds for the whole file (`pytestmark = pytest.mark.skip`). */
  fileState(node: Node): TestState | undefined
  mayHold(args: Node): boolean
}

export function recogniserOf(root: Node, table: LanguageTable): Recogniser {
  const legacy = table.tests.legacy !== undefined && root.text.includes(table.tests.legacy.contains)
  return {
    find(node, insideTest) {
      return byCall(node, table, root, insideTest) ?? byFunction(node, table, insideTest) ?? byAnnotation(node, table, legacy) ?? loopOf(node, table, root, insideTest)
    },
    fileState: node => fileStateOf(node, table),
    mayHold: args => args.children.some(child => table.functions.includes(child.kind)),
  }
}

const asState = (text: string | undefined): TestState => (text ?? 'run') as TestState

function found(part: Partial<Found> & Pick<Found, 'role' | 'name' | 'node' | 'body'>): Found {
  return { state: 'run', rows: [], shell: [], header: [], claims: [], ...part }
}

function byCall(node: Node, table: LanguageTable, root: Node, insideTest: boolean): Found | undefined {
  const rules = table.tests
  if (rules.subtests !== undefined && insideTest && isChain(node)) return subtest(node, table)
  if (rules.style !== 'call' || !isChain(node)) return undefined
  const links = chainOf(node)
  const last = links.at(-1)!
  if (last.args === null && last.block === null) return undefined
  let at = 0
  if (rules.namespaces?.includes(links[0]!.name) && links.length > 1 && links[0]!.args === null && wordRole(links[1]!.name, table) !== undefined) at = 1
  const role = wordRole(links[at]!.name, table)
  if (role === undefined) return undefined
  const args = itemsOf(last.args)
  const title = args[0]
  const callback = args.findLast(arg => table.functions.includes(arg.kind)) ?? last.block ?? undefined
  const literal = title !== undefined && /string/.test(title.kind)
  if (callback === undefined && !(literal && role === 'test')) return undefined
  if (title === undefined && last.block === null) return undefined
  let state = asState(rules.prefixed?.[links[at]!.name])
  for (const link of links.slice(at + 1)) state = link.name in (rules.modifiers ?? {}) && state === 'run' ? asState(rules.modifiers![link.name]) : state
  state = optionState(args, table) ?? state
  if (callback === undefined && args.length < 2 && state === 'run') state = 'todo'
  const rowLink = links.slice(at + 1).find(link => rules.rows?.includes(link.name) === true && link.args !== null)
  const name = title === undefined || title === callback ? tokensOf(callback ?? node, table).join(' ').slice(0, 120) : tokensOf(title, table).join(' ')
  const body = callback === undefined ? null : bodyOf(callback, table)
  return found({ role, name, state, rows: rowLink === undefined ? [] : rowsOf(rowLink.args!, table, root), node, body, shell: callback === undefined || role === 'test' ? [] : parametersOf(callback) })
}

function wordRole(word: string, table: LanguageTable): 'test' | 'suite' | undefined {
  const rules = table.tests
  if (rules.tests?.includes(word)) return 'test'
  if (rules.suites?.includes(word)) return 'suite'
  if (rules.prefixed !== undefined && word in rules.prefixed) return /describe|context/.test(word) ? 'suite' : 'test'
  return undefined
}

/** The body of a callback: its block, or the expression an arrow returns. */
function bodyOf(callback: Node, table: LanguageTable): Node {
  if (table.languages.includes('ruby')) return callback.children.find(child => /body/.test(child.kind)) ?? callback
  return callback.children.find(child => /^(?:statement_block|block|compound_statement)$/.test(child.kind)) ?? callback
}

function parametersOf(callback: Node): Node[] {
  return callback.children.filter(child => /parameters/.test(child.kind) && child.children.length > 2)
}

function optionState(args: readonly Node[], table: LanguageTable): TestState | undefined {
  const options = table.tests.options ?? {}
  for (const arg of args.slice(1)) {
    const pairs = arg.kind === 'object' || arg.kind === 'hash' ? itemsOf(arg) : arg.kind === 'pair' ? [arg] : []
    for (const pair of pairs) {
      const key = pair.children[0]?.text.replace(/^:|:$|['"]/g, '') ?? ''
      const value = pair.children.at(-1)?.text ?? ''
      if (key in options && value !== 'false' && value !== 'nil' && value !== '0') return asState(options[key])
    }
    if (arg.kind === 'simple_symbol' && arg.text.slice(1) in options) return asState(options[arg.text.slice(1)])
  }
  return undefined
}

/** The rows of a table: a literal, or a name that the file binds to a literal. */
function rowsOf(args: Node, table: LanguageTable, root: Node): string[] {
  if (args.kind === 'template_string') return args.text.split('\n').slice(1).map(line => line.trim()).filter(line => line !== '' && line !== '`')
  const list = itemsOf(args).map(item => literalList(item, table, root)).find(item => item !== undefined)
  return list === undefined ? [] : itemsOf(list).map(item => tokensOf(item, table).join(' '))
}

function literalList(node: Node, table: LanguageTable, root: Node): Node | undefined {
  if (table.lists.includes(node.kind)) return node
  if (/^(?:as_expression|satisfies_expression|parenthesized_expression)$/.test(node.kind)) return node.children.find(child => table.lists.includes(child.kind))
  if (node.kind !== 'identifier') return undefined
  const stack = [root]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (/declarator|^assignment$/.test(item.kind) && item.children[0]?.text === node.text) return literalList(item.children.at(-1)!, table, root)
    stack.push(...item.children)
  }
  return undefined
}

/** Go's `t.Run("name", func…)`, told from a table's `t.Run(tc.name, …)` by its literal name. */
function subtest(node: Node, table: LanguageTable): Found | undefined {
  const links = chainOf(node)
  const last = links.at(-1)!
  if (last.name !== 'Run' || links.length < 2 || last.args === null) return undefined
  const [title, callback] = itemsOf(last.args)
  if (title === undefined || callback === undefined || !/string_literal/.test(title.kind) || !table.functions.includes(callback.kind)) return undefined
  return found({ role: 'test', name: tokensOf(title, table).join(' '), node, body: bodyOf(callback, table) })
}

function byFunction(node: Node, table: LanguageTable, insideTest: boolean): Found | undefined {
  const rules = table.tests
  if (rules.class_kinds?.includes(node.kind)) return suiteOf(node, table)
  if (rules.function_kinds?.includes(node.kind)) return named(node, rules.function_pattern!, table, node, [])
  if (rules.style !== 'function' || insideTest) return undefined
  if (node.kind === 'decorated_definition') {
    const inner = node.children.at(-1)!
    const marks = node.children.filter(child => child.kind === 'decorator')
    if (rules.suite_kinds!.includes(inner.kind)) return { ...suiteOf(inner, table)!, state: stateOfMarks(marks, table), header: [] }
    return rules.kinds!.includes(inner.kind) ? named(inner, rules.pattern!, table, node, marks) : undefined
  }
  if (rules.suite_kinds?.includes(node.kind)) return suiteOf(node, table)
  return rules.kinds?.includes(node.kind) ? named(node, rules.pattern!, table, node, []) : undefined
}

function suiteOf(node: Node, table: LanguageTable): Found | undefined {
  const name = node.children.find(child => /identifier|constant/.test(child.kind))
  const body = node.children.find(child => /^(?:block|class_body|body_statement|declaration_list)$/.test(child.kind))
  if (name === undefined || body === undefined) return undefined
  const shell = node.children.filter(child => child !== body && child !== name && !/^(?:class|module|mod|end|:|modifiers|def|public)$/.test(child.kind))
  return found({ role: 'suite', name: name.text, node, body, shell: table.languages.includes('java') ? [] : shell })
}

function named(node: Node, pattern: string, table: LanguageTable, whole: Node, marks: readonly Node[]): Found | undefined {
  const name = node.children.find(child => /identifier/.test(child.kind))
  if (name === undefined || !new RegExp(pattern).test(name.text)) return undefined
  const body = node.children.find(child => /^(?:block|body_statement)$/.test(child.kind)) ?? null
  const rows = [...marks.flatMap(mark => rowsOfMark(mark, table)), ...tableRows(body, table)]
  return found({ role: 'test', name: name.text, state: stateOfMarks(marks, table), rows, node: whole, body })
}

function markName(mark: Node): { name: string; args: Node | null } {
  const inner = mark.children.find(child => /identifier|attribute|call/.test(child.kind) && child.text !== '@')
  const links = inner === undefined ? [] : chainOf(inner)
  return { name: links.map(link => link.name).join('.'), args: links.at(-1)?.args ?? null }
}

function stateOfMarks(marks: readonly Node[], table: LanguageTable): TestState {
  for (const mark of marks) {
    const state = table.tests.annotations?.[markName(mark).name]
    if (state !== undefined) return asState(state)
  }
  return 'run'
}

function rowsOfMark(mark: Node, table: LanguageTable): string[] {
  const { name, args } = markName(mark)
  if (!(table.tests.row_annotations ?? []).includes(name) || args === null) return []
  const items = itemsOf(args)
  const list = items.slice(items.length > 1 ? 1 : 0).find(item => table.lists.includes(item.kind)) ?? items.flatMap(item => item.children).find(child => table.lists.includes(child.kind))
  return list === undefined ? [] : itemsOf(list).map(item => tokensOf(item, table).join(' '))
}

/** Go's tables: the elements of composite literals whose elements are themselves braced. */
function tableRows(body: Node | null, table: LanguageTable): string[] {
  if (body === null || !table.lists.includes('composite_literal')) return []
  const rows: string[] = []
  const stack = [body]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const value = item.kind === 'composite_literal' ? item.children.at(-1)! : undefined
    if (value !== undefined && /^(?:slice_type|map_type|array_type|implicit_length_array_type)$/.test(item.children[0]!.kind)) {
      const elements = value.children.filter(child => /element/.test(child.kind))
      if (elements.some(element => element.text.includes('{'))) {
        rows.push(...elements.map(element => tokensOf(element, table).join(' ')))
        continue
      }
    }
    stack.push(...item.children)
  }
  return rows
}

function byAnnotation(node: Node, table: LanguageTable, legacy: boolean): Found | undefined {
  const rules = table.tests
  if (rules.style !== 'annotation') return undefined
  if (rules.suite_kinds!.includes(node.kind)) {
    const suite = suiteOf(node, table)
    return suite === undefined ? undefined : { ...suite, state: marksOf(node).reduce<TestState>((state, mark) => (state === 'run' ? asState(rules.annotations?.[attributeName(mark)]) : state), 'run') }
  }
  if (!rules.kinds!.includes(node.kind)) return undefined
  const marks = marksOf(node)
  const names = marks.map(attributeName)
  const name = node.children.find(child => child.kind === 'identifier')
  if (name === undefined) return undefined
  const isTest = names.some(mark => rules.markers!.includes(mark)) || (legacy && rules.legacy !== undefined && new RegExp(rules.legacy.pattern).test(name.text))
  if (!isTest) return undefined
  const state = names.map(mark => rules.annotations?.[mark]).find(mark => mark !== undefined)
  const body = node.children.find(child => child.kind === 'block') ?? null
  const rows = marks.flatMap(mark => attributeRows(mark, table))
  const header = marks.filter(mark => mark.parent !== node).flatMap(mark => tokensOf(mark, table))
  return found({ role: 'test', name: name.text, state: asState(state), rows, node, body, header, claims: marks.flatMap(mark => attributeClaims(mark, table)) })
}

/** Attributes before the node (Rust) or in its modifiers (Java). */
function marksOf(node: Node): Node[] {
  const modifiers = node.children.find(child => child.kind === 'modifiers')
  if (modifiers !== undefined) return modifiers.children.filter(child => /annotation/.test(child.kind))
  const siblings = node.parent?.children ?? []
  const marks: Node[] = []
  for (let at = siblings.indexOf(node) - 1; at >= 0; at--) {
    const sibling = siblings[at]!
    if (sibling.kind === 'attribute_item') marks.unshift(sibling)
    else if (!sibling.comment) break
  }
  return marks
}

function attributeName(mark: Node): string {
  return /^(?:#\[|@)\s*([\w:.]+)/.exec(mark.text)?.[1] ?? ''
}

function attributeRows(mark: Node, table: LanguageTable): string[] {
  const name = attributeName(mark)
  if (!table.tests.row_annotations!.includes(name.split('::')[0]!)) return []
  const tokens = tokensOf(mark, table)
  const open = tokens.findIndex(token => token === '(')
  if (open < 0) return []
  const brace = tokens.indexOf('{')
  if (brace > 0) return splitArguments(tokens.slice(brace + 1, tokens.lastIndexOf('}'))).map(row => row.join(' '))
  return [tokens.slice(open + 1, tokens.lastIndexOf(')')).join(' ')]
}

function attributeClaims(mark: Node, table: LanguageTable): Claim[] {
  const rules = table.assertions
  const tokens = tokensOf(mark, table)
  if (rules.throw_annotation !== undefined && attributeName(mark) === rules.throw_annotation) {
    const expected = tokens.slice(tokens.indexOf('('), -1).join(' ')
    return [{ matcher: rules.throw_annotation, subject: '', expected: tokens.includes('(') ? expected : '', rank: tokens.includes('(') ? 3 : 1, tolerance: null }]
  }
  const at = rules.throw_annotation_argument === undefined ? -1 : tokens.indexOf(rules.throw_annotation_argument)
  return at < 0 ? [] : [{ matcher: 'expected', subject: '', expected: tokens.slice(at + 2, -1).join(' '), rank: 3, tolerance: null }]
}

/** `for (const x of [..]) it(..)` and `[..].forEach(() => it(..))`: a suite without a name whose rows are the list. */
function loopOf(node: Node, table: LanguageTable, root: Node, insideTest: boolean): Found | undefined {
  if (insideTest || table.tests.style !== 'call') return undefined
  if (node.kind === 'for_in_statement') {
    const list = node.children.map(child => literalList(child, table, root)).find(item => item !== undefined)
    const body = node.children.at(-1)!
    return list === undefined || !holdsTest(body, table) ? undefined : found({ role: 'suite', name: 'each', node, body, rows: itemsOf(list).map(item => tokensOf(item, table).join(' ')) })
  }
  if (!isChain(node)) return undefined
  const links = chainOf(node)
  const last = links.at(-1)!
  if (!/^(?:forEach|each|map)$/.test(last.name) || links.length < 2) return undefined
  const callback: Node | undefined = itemsOf(last.args).find(arg => table.functions.includes(arg.kind)) ?? last.block ?? undefined
  const list = literalList(links.at(-2)!.node, table, root)
  if (callback === undefined || list === undefined || !holdsTest(callback, table)) return undefined
  return found({ role: 'suite', name: 'each', node, body: bodyOf(callback, table), rows: itemsOf(list).map(item => tokensOf(item, table).join(' ')) })
}

function holdsTest(node: Node, table: LanguageTable): boolean {
  const words = [...(table.tests.tests ?? []), ...(table.tests.suites ?? [])]
  return new RegExp(`\\b(?:${words.join('|')})\\b`).test(node.text)
}

function fileStateOf(node: Node, table: LanguageTable): TestState | undefined {
  if (node.kind === 'assignment' && table.tests.module_marks?.includes(node.children[0]?.text ?? '')) return /\bmark\.skip\b(?!if)/.test(node.text) ? 'skip' : undefined
  if (node.kind === 'inner_attribute_item' && /cfg\s*\(\s*(?:feature|any\(\s*\))/.test(node.text)) return 'skip'
  return undefined
}

