import { claimsOf, isFailingCall, statementsOf } from './assertions.ts'
import { digest, type AssertionFact, type TestFact, type TestFacts } from './test-fact.ts'
import type { Found } from './found.ts'
import { recogniserOf } from './recognise.ts'
import { isDead, isSkipCall, swallows } from './reach.ts'
import { chainOf, isChain, tokensOf, type Node } from './syntax.ts'
import type { LanguageTable, TestState } from './tables.ts'

type Context = {
  suites: readonly string[]
  state: TestState
  rows: readonly string[]
  test: string
  nested: boolean
  disabled: AssertionFact['disabled']
}

type Draft = { fact: Omit<TestFact, 'state' | 'asserting'>; state: TestState; body: Node | null; statements: Node[] }

/** Walks a syntax tree once and writes down its tests, their assertions and everything around them. */
export function collectFacts(root: Node, table: LanguageTable, language: string): TestFacts {
  const recognise = recogniserOf(root, table)
  const drafts: Draft[] = []
  const assertions: AssertionFact[] = []
  const assertingLines = new Map<string, Set<Node>>()
  const rest: string[] = []
  const imports: string[] = []
  const seen = new Map<string, number>()
  let fileState: TestState = 'run'

  const uniqueId = (id: string): string => {
    const count = (seen.get(id) ?? 0) + 1
    seen.set(id, count)
    return count === 1 ? id : `${id}#${count}`
  }

  const enter = (found: Found, context: Context): void => {
    const state =
      context.state === 'run' || context.state === 'only' ? (found.state === 'run' ? context.state : found.state) : context.state
    const rows = [...context.rows, ...found.rows]
    if (found.role === 'suite') {
      const inner = { ...context, suites: [...context.suites, found.name], state, rows }
      for (const node of found.shell) walk(node, { ...inner, test: '' })
      if (found.body !== null) for (const child of statementsOf(found.body)) walk(child, inner)
      return
    }
    const id = uniqueId([...context.suites, found.name].join(' > '))
    const statements = found.body === null ? [] : statementsOf(found.body)
    const skips = statements.some((statement) => isSkipCall(statement, table))
    const tokens = [...found.header, ...tokensOf(found.node, table)]
    drafts.push({
      fact: {
        id,
        name: found.name,
        macro: found.body === null && isChain(found.node),
        line: found.node.line,
        rows,
        tokens,
        statements: statements.map((statement) => tokensOf(statement, table).join(' ')),
      },
      state: skips ? 'skip' : state,
      body: found.body,
      statements,
    })
    for (const claim of found.claims)
      assertions.push({
        test: id,
        line: found.node.line,
        matcher: claim.matcher,
        strength: claim.rank,
        subject: claim.subject,
        expected: claim.expected,
        expected_hash: digest(claim.expected),
        tolerance: null,
        nested: false,
        disabled: null,
      })
    const inner: Context = { suites: [...context.suites, found.name], state: 'run', rows: [], test: id, nested: false, disabled: null }
    if (found.body === null) for (const child of found.node.children) walk(child, inner)
    else walkBlock(found.body, inner)
  }

  const walkBlock = (block: Node, context: Context): void => {
    let dead = false
    for (const statement of statementsOf(block)) {
      walk(statement, dead ? { ...context, disabled: 'unreachable' } : context)
      dead ||= isDead(statement)
    }
  }

  const record = (node: Node, context: Context): boolean => {
    const claims = claimsOf(node, table)
    if (claims === undefined) return false
    for (const claim of claims) {
      const expected_hash = digest(claim.expected)
      assertions.push({
        test: context.test,
        line: node.line,
        matcher: claim.matcher,
        strength: claim.rank,
        subject: claim.subject,
        expected: claim.expected,
        expected_hash,
        tolerance: claim.tolerance,
        nested: context.nested,
        disabled: context.disabled,
      })
    }
    let set = assertingLines.get(context.test)
    if (set === undefined) assertingLines.set(context.test, (set = new Set()))
    set.add(node)
    return true
  }

  const walk = (node: Node, context: Context): void => {
    if (node.comment) {
      if (context.test === '') rest.push(...tokensOf(node, table))
      return
    }
    if (isImport(node, table)) {
      imports.push(...tokensOf(node, table))
      return
    }
    const mark = recognise.fileState(node)
    if (mark !== undefined) fileState = mark
    const found = recognise.find(node, context.test !== '')
    if (found !== undefined) return enter(found, context)
    const asserted = record(node, context)
    if (context.test === '' && (node.children.length === 0 || table.atoms.includes(node.kind))) rest.push(...tokensOf(node, table))
    else if (asserted && isChain(node)) {
      if (context.test === '') rest.push(...tokensOf(node, table))
      // Of an asserting call only the functions handed to it can hold more assertions.
      else for (const inner of functionsIn(node, table)) walkChildren(inner, context)
    } else if (asserted && context.test === '') {
      rest.push(...tokensOf(node, table))
    } else if (isChain(node) && node.kind !== 'new_expression') {
      walkChain(node, context)
    } else walkChildren(node, context, asserted)
  }

  /** A chain is judged once, at its outermost call; inside only arguments are looked at. */
  const walkChain = (node: Node, context: Context): void => {
    if (context.test === '' && !hasFunction(node, table)) {
      rest.push(...tokensOf(node, table))
      for (const link of chainOf(node)) if (link.args !== null && recognise.mayHold(link.args)) walkChildren(link.args, context)
      return
    }
    for (const link of chainOf(node)) {
      if (context.test === '' && link.name !== '') rest.push(link.name)
      if (link.args !== null) walkChildren(link.args, context)
      if (link.block !== null) walkChildren(link.block, context)
      if (link.args === null && link.block === null && link.name === '') walkChildren(link.node, context)
    }
  }

  const walkChildren = (node: Node, outer: Context, asserted = false): void => {
    const context = outer.test !== '' && !outer.nested && BRANCHES.test(node.kind) && !asserted ? { ...outer, nested: true } : outer
    const caught = swallows(node, table)
    const never = neverRuns(node, table)
    let dead = false
    for (const child of node.children) {
      // The failing call that made the guard an assertion is not a second one.
      if (asserted && child.kind === 'block') {
        for (const statement of statementsOf(child)) if (!isFailingCall(statement, table)) walk(statement, context)
        continue
      }
      const disabled =
        dead || (never !== undefined && child === never)
          ? 'unreachable'
          : caught !== undefined && child === caught
            ? 'swallowed'
            : context.disabled
      walk(child, disabled === context.disabled ? context : { ...context, disabled })
      dead ||= isBlockLike(node) && isDead(child)
    }
  }

  walk(root, { suites: [], state: 'run', rows: [], test: '', nested: false, disabled: null })
  const only = drafts.some((draft) => draft.state === 'only')
  const tests = drafts.map((draft) => {
    const asserting = new Set<number>()
    const nodes = assertingLines.get(draft.fact.id) ?? new Set<Node>()
    for (const [at, statement] of draft.statements.entries()) if (holds(statement, nodes)) asserting.add(at)
    const own = only && draft.state !== 'only' ? 'skip' : draft.state
    return { ...draft.fact, state: fileState === 'run' ? own : fileState, asserting }
  })
  const code = ` ${tokensOf(root, table).join(' ')} `
  const exits = table.exits.reduce((sum, exit) => sum + code.split(` ${exit} `).length - 1, 0)
  return { language, tests, assertions, rest, imports, exits, tier: 1, partial: false }
}

/** Branches and loops; functions handed to a loop count where they are recognised as such by their call. */
const BRANCHES =
  /^(?:if|if_statement|if_expression|if_modifier|unless|else_clause|switch_statement|expression_switch_statement|match_expression|case|for_statement|for_in_statement|for_expression|enhanced_for_statement|for|while_statement|while|while_expression|ternary_expression|conditional)$/

const REQUIRE = /^[^;{]*(?:\{[^}]*\}\s*)?=?\s*(?:await import|require)\s*\(/
const STATEMENTS = new Set(['lexical_declaration', 'variable_declaration', 'expression_statement'])

function isImport(node: Node, table: LanguageTable): boolean {
  if (table.imports.includes(node.kind)) return true
  if (STATEMENTS.has(node.kind)) return REQUIRE.test(node.text) && !/=>|\bfunction\b/.test(node.text)
  return node.kind === 'call' && table.import_calls?.includes(node.children[0]!.text) === true
}

function isBlockLike(node: Node): boolean {
  return /block|statement_list|body_statement|block_body/.test(node.kind)
}

function functionsIn(node: Node, table: LanguageTable): Node[] {
  const found: Node[] = []
  const stack = [...node.children]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (table.functions.includes(item.kind)) found.push(item)
    else stack.push(...item.children)
  }
  return found
}

function hasFunction(node: Node, table: LanguageTable): boolean {
  return functionsIn(node, table).length > 0
}

/** The branch of `if (false)` that never runs. */
function neverRuns(node: Node, table: LanguageTable): Node | undefined {
  if (!/^(?:if_statement|if_expression|if|while_statement)$/.test(node.kind)) return undefined
  const parts = node.children.filter((child) => !child.comment && child.kind !== 'if' && child.kind !== 'while')
  const condition = parts[0] === undefined ? '' : tokensOf(parts[0], table).join('')
  return /^\(?(?:false|False|0|nil)\)?$/.test(condition) ? (parts[1]?.kind === ':' ? parts[2] : parts[1]) : undefined
}

function holds(node: Node, wanted: ReadonlySet<Node>): boolean {
  const stack = [node]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (wanted.has(item)) return true
    stack.push(...item.children)
  }
  return false
}
