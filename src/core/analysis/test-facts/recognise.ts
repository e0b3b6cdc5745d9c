import { asState, found, type Found } from './found.ts'
import { byAnnotation, byFunction } from './recognise-functions.ts'
import { chainOf, isChain, itemsOf, tokensOf, type Node } from './syntax.ts'
import type { LanguageTable, TestState } from './tables.ts'

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
      return (
        byCall(node, table, root, insideTest) ??
        byFunction(node, table, insideTest) ??
        byAnnotation(node, table, legacy) ??
        loopOf(node, table, root, insideTest)
      )
    },
    fileState: (node) => fileStateOf(node, table),
    mayHold: (args) => args.children.some((child) => table.functions.includes(child.kind)),
  }
}

function byCall(node: Node, table: LanguageTable, root: Node, insideTest: boolean): Found | undefined {
  const rules = table.tests
  if (rules.subtests !== undefined && insideTest && isChain(node)) return subtest(node, table)
  if (rules.style !== 'call' || !isChain(node)) return undefined
  const links = chainOf(node)
  const last = links.at(-1)!
  if (last.args === null && last.block === null) return undefined
  let at = 0
  if (
    rules.namespaces?.includes(links[0]!.name) &&
    links.length > 1 &&
    links[0]!.args === null &&
    wordRole(links[1]!.name, table) !== undefined
  )
    at = 1
  const role = wordRole(links[at]!.name, table)
  if (role === undefined) return undefined
  const args = itemsOf(last.args)
  const title = args[0]
  const callback = args.findLast((arg) => table.functions.includes(arg.kind)) ?? last.block ?? undefined
  const literal = title !== undefined && /string/.test(title.kind)
  if (callback === undefined && !(literal && role === 'test')) return undefined
  if (title === undefined && last.block === null) return undefined
  let state = asState(rules.prefixed?.[links[at]!.name])
  for (const link of links.slice(at + 1))
    state = link.name in (rules.modifiers ?? {}) && state === 'run' ? asState(rules.modifiers![link.name]) : state
  state = optionState(args, table) ?? state
  if (callback === undefined && args.length < 2 && state === 'run') state = 'todo'
  const rowLink = links.slice(at + 1).find((link) => rules.rows?.includes(link.name) === true && link.args !== null)
  const name =
    title === undefined || title === callback
      ? tokensOf(callback ?? node, table)
          .join(' ')
          .slice(0, 120)
      : tokensOf(title, table).join(' ')
  const body = callback === undefined ? null : bodyOf(callback, table)
  return found({
    role,
    name,
    state,
    rows: rowLink === undefined ? [] : rowsOf(rowLink.args!, table, root),
    node,
    body,
    shell: callback === undefined || role === 'test' ? [] : parametersOf(callback),
  })
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
  if (table.languages.includes('ruby')) return callback.children.find((child) => /body/.test(child.kind)) ?? callback
  return callback.children.find((child) => /^(?:statement_block|block|compound_statement)$/.test(child.kind)) ?? callback
}

function parametersOf(callback: Node): Node[] {
  return callback.children.filter((child) => /parameters/.test(child.kind) && child.children.length > 2)
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
  if (args.kind === 'template_string')
    return args.text
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .filter((line) => line !== '' && line !== '`')
  const list = itemsOf(args)
    .map((item) => literalList(item, table, root))
    .find((item) => item !== undefined)
  return list === undefined ? [] : itemsOf(list).map((item) => tokensOf(item, table).join(' '))
}

function literalList(node: Node, table: LanguageTable, root: Node): Node | undefined {
  if (table.lists.includes(node.kind)) return node
  if (/^(?:as_expression|satisfies_expression|parenthesized_expression)$/.test(node.kind))
    return node.children.find((child) => table.lists.includes(child.kind))
  if (node.kind !== 'identifier') return undefined
  const stack = [root]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (/declarator|^assignment$/.test(item.kind) && item.children[0]?.text === node.text)
      return literalList(item.children.at(-1)!, table, root)
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
  if (title === undefined || callback === undefined || !/string_literal/.test(title.kind) || !table.functions.includes(callback.kind))
    return undefined
  return found({ role: 'test', name: tokensOf(title, table).join(' '), node, body: bodyOf(callback, table) })
}

/** `for (const x of [..]) it(..)` and `[..].forEach(() => it(..))`: a suite without a name whose rows are the list. */
function loopOf(node: Node, table: LanguageTable, root: Node, insideTest: boolean): Found | undefined {
  if (insideTest || table.tests.style !== 'call') return undefined
  if (node.kind === 'for_in_statement') {
    const list = node.children.map((child) => literalList(child, table, root)).find((item) => item !== undefined)
    const body = node.children.at(-1)!
    return list === undefined || !holdsTest(body, table)
      ? undefined
      : found({ role: 'suite', name: 'each', node, body, rows: itemsOf(list).map((item) => tokensOf(item, table).join(' ')) })
  }
  if (!isChain(node)) return undefined
  const links = chainOf(node)
  const last = links.at(-1)!
  if (!/^(?:forEach|each|map)$/.test(last.name) || links.length < 2) return undefined
  const callback: Node | undefined = itemsOf(last.args).find((arg) => table.functions.includes(arg.kind)) ?? last.block ?? undefined
  const list = literalList(links.at(-2)!.node, table, root)
  if (callback === undefined || list === undefined || !holdsTest(callback, table)) return undefined
  return found({
    role: 'suite',
    name: 'each',
    node,
    body: bodyOf(callback, table),
    rows: itemsOf(list).map((item) => tokensOf(item, table).join(' ')),
  })
}

function holdsTest(node: Node, table: LanguageTable): boolean {
  const words = [...(table.tests.tests ?? []), ...(table.tests.suites ?? [])]
  return new RegExp(`\\b(?:${words.join('|')})\\b`).test(node.text)
}

function fileStateOf(node: Node, table: LanguageTable): TestState | undefined {
  if (node.kind === 'assignment' && table.tests.module_marks?.includes(node.children[0]?.text ?? ''))
    return /\bmark\.skip\b(?!if)/.test(node.text) ? 'skip' : undefined
  if (node.kind === 'inner_attribute_item' && /cfg\s*\(\s*(?:feature|any\(\s*\))/.test(node.text)) return 'skip'
  return undefined
}
