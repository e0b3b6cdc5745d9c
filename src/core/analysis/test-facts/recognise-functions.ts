import type { Claim } from './expression.ts'
import { asState, found, type Found } from './found.ts'
import { chainOf, itemsOf, splitArguments, tokensOf, type Node } from './syntax.ts'
import type { LanguageTable, TestState } from './tables.ts'

/** Tests that are functions by their name: Python, Go, minitest. */
export function byFunction(node: Node, table: LanguageTable, insideTest: boolean): Found | undefined {
  const rules = table.tests
  if (rules.class_kinds?.includes(node.kind)) return suiteOf(node, table)
  if (rules.function_kinds?.includes(node.kind)) return named(node, rules.function_pattern!, table, node, [])
  if (rules.style !== 'function' || insideTest) return undefined
  if (node.kind === 'decorated_definition') {
    const inner = node.children.at(-1)!
    const marks = node.children.filter((child) => child.kind === 'decorator')
    if (rules.suite_kinds!.includes(inner.kind)) return { ...suiteOf(inner, table)!, state: stateOfMarks(marks, table), header: [] }
    return rules.kinds!.includes(inner.kind) ? named(inner, rules.pattern!, table, node, marks) : undefined
  }
  if (rules.suite_kinds?.includes(node.kind)) return suiteOf(node, table)
  return rules.kinds?.includes(node.kind) ? named(node, rules.pattern!, table, node, []) : undefined
}

function suiteOf(node: Node, table: LanguageTable): Found | undefined {
  const name = node.children.find((child) => /identifier|constant/.test(child.kind))
  const body = node.children.find((child) => /^(?:block|class_body|body_statement|declaration_list)$/.test(child.kind))
  if (name === undefined || body === undefined) return undefined
  const shell = node.children.filter(
    (child) => child !== body && child !== name && !/^(?:class|module|mod|end|:|modifiers|def|public)$/.test(child.kind),
  )
  return found({ role: 'suite', name: name.text, node, body, shell: table.languages.includes('java') ? [] : shell })
}

function named(node: Node, pattern: string, table: LanguageTable, whole: Node, marks: readonly Node[]): Found | undefined {
  const name = node.children.find((child) => /identifier/.test(child.kind))
  if (name === undefined || !new RegExp(pattern).test(name.text)) return undefined
  const body = node.children.find((child) => /^(?:block|body_statement)$/.test(child.kind)) ?? null
  const rows = [...marks.flatMap((mark) => rowsOfMark(mark, table)), ...tableRows(body, table)]
  return found({ role: 'test', name: name.text, state: stateOfMarks(marks, table), rows, node: whole, body })
}

function markName(mark: Node): { name: string; args: Node | null } {
  const inner = mark.children.find((child) => /identifier|attribute|call/.test(child.kind) && child.text !== '@')
  const links = inner === undefined ? [] : chainOf(inner)
  return { name: links.map((link) => link.name).join('.'), args: links.at(-1)?.args ?? null }
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
  const list =
    items.slice(items.length > 1 ? 1 : 0).find((item) => table.lists.includes(item.kind)) ??
    items.flatMap((item) => item.children).find((child) => table.lists.includes(child.kind))
  return list === undefined ? [] : itemsOf(list).map((item) => tokensOf(item, table).join(' '))
}

/** Go's tables: the elements of composite literals whose elements are themselves braced. */
function tableRows(body: Node | null, table: LanguageTable): string[] {
  if (body === null || !table.lists.includes('composite_literal')) return []
  const rows: string[] = []
  const stack = [body]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const value = item.kind === 'composite_literal' ? item.children.at(-1)! : undefined
    if (value !== undefined && /^(?:slice_type|map_type|array_type|implicit_length_array_type)$/.test(item.children[0]!.kind)) {
      const elements = value.children.filter((child) => /element/.test(child.kind))
      if (elements.some((element) => element.text.includes('{'))) {
        rows.push(...elements.map((element) => tokensOf(element, table).join(' ')))
        continue
      }
    }
    stack.push(...item.children)
  }
  return rows
}

/** Tests that are functions by a mark: Rust, Java. */
export function byAnnotation(node: Node, table: LanguageTable, legacy: boolean): Found | undefined {
  const rules = table.tests
  if (rules.style !== 'annotation') return undefined
  if (rules.suite_kinds!.includes(node.kind)) {
    const suite = suiteOf(node, table)
    return suite === undefined
      ? undefined
      : {
          ...suite,
          state: marksOf(node).reduce<TestState>(
            (state, mark) => (state === 'run' ? asState(rules.annotations?.[attributeName(mark)]) : state),
            'run',
          ),
        }
  }
  if (!rules.kinds!.includes(node.kind)) return undefined
  const marks = marksOf(node)
  const names = marks.map(attributeName)
  const name = node.children.find((child) => child.kind === 'identifier')
  if (name === undefined) return undefined
  const isTest =
    names.some((mark) => rules.markers!.includes(mark)) ||
    (legacy && rules.legacy !== undefined && new RegExp(rules.legacy.pattern).test(name.text))
  if (!isTest) return undefined
  const state = names.map((mark) => rules.annotations?.[mark]).find((mark) => mark !== undefined)
  const body = node.children.find((child) => child.kind === 'block') ?? null
  const rows = marks.flatMap((mark) => attributeRows(mark, table))
  const header = marks.filter((mark) => mark.parent !== node).flatMap((mark) => tokensOf(mark, table))
  return found({
    role: 'test',
    name: name.text,
    state: asState(state),
    rows,
    node,
    body,
    header,
    claims: marks.flatMap((mark) => attributeClaims(mark, table)),
  })
}

/** Attributes before the node (Rust) or in its modifiers (Java). */
function marksOf(node: Node): Node[] {
  const modifiers = node.children.find((child) => child.kind === 'modifiers')
  if (modifiers !== undefined) return modifiers.children.filter((child) => /annotation/.test(child.kind))
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
  const open = tokens.findIndex((token) => token === '(')
  if (open < 0) return []
  const brace = tokens.indexOf('{')
  if (brace > 0) return splitArguments(tokens.slice(brace + 1, tokens.lastIndexOf('}'))).map((row) => row.join(' '))
  return [tokens.slice(open + 1, tokens.lastIndexOf(')')).join(' ')]
}

function attributeClaims(mark: Node, table: LanguageTable): Claim[] {
  const rules = table.assertions
  const tokens = tokensOf(mark, table)
  if (rules.throw_annotation !== undefined && attributeName(mark) === rules.throw_annotation) {
    const expected = tokens.slice(tokens.indexOf('('), -1).join(' ')
    return [
      {
        matcher: rules.throw_annotation,
        subject: '',
        expected: tokens.includes('(') ? expected : '',
        rank: tokens.includes('(') ? 3 : 1,
        tolerance: null,
      },
    ]
  }
  const at = rules.throw_annotation_argument === undefined ? -1 : tokens.indexOf(rules.throw_annotation_argument)
  return at < 0 ? [] : [{ matcher: 'expected', subject: '', expected: tokens.slice(at + 2, -1).join(' '), rank: 3, tolerance: null }]
}
