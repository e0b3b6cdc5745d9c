import { approximationOf, claimsOfCondition, claimsOfFailure, isLiteral, toleranceOf, type Claim } from './expression.ts'
import { chainOf, isChain, itemsOf, splitArguments, tokensOf, type Link, type Node } from './syntax.ts'
import type { LanguageTable } from './tables.ts'

export const UNKNOWN_RANK = 3
const NOTHING = new Set(['toBeNull', 'toBeUndefined', 'toBeNaN', 'be_nil', 'null', 'undefined', 'nil'])

/** The claims a node makes as an assertion; `undefined` where it is none. Awaiting is judged here too: a lost promise never fails. */
export function claimsOf(node: Node, table: LanguageTable): Claim[] | undefined {
  const claims = rawClaims(node, table)
  return claims?.map((claim) => weigh(approximationOf(claim, table), table))
}

function rawClaims(node: Node, table: LanguageTable): Claim[] | undefined {
  const rules = table.assertions
  if (node.kind === 'assert_statement') return assertStatement(node, table)
  if (node.kind === 'macro_invocation' && rules.macros !== undefined) return macroClaims(node, table)
  if (node.kind === 'with_statement' && rules.contexts !== undefined) return contextClaims(node, table)
  if (node.kind === 'if_statement' && rules.failing_calls !== undefined) return guardClaims(node, table)
  if (!isChain(node)) return undefined
  const links = chainOf(node)
  return chainClaims(links, node, table) ?? trailingClaims(links, table) ?? callClaims(links, table)
}

function assertStatement(node: Node, table: LanguageTable): Claim[] {
  const condition = node.children.slice(1).find((child) => !child.comment)
  if (condition === undefined) return []
  const colon = node.children.findIndex((child) => child.kind === ',' || child.kind === ':')
  const parts = (colon < 0 ? node.children.slice(1) : node.children.slice(1, colon)).flatMap((child) => tokensOf(child, table))
  return claimsOfCondition(parts, table, 1, 'assert')
}

function macroClaims(node: Node, table: LanguageTable): Claim[] | undefined {
  const name = node.children[0]!.text.split('::').at(-1)!.trim()
  const rank = table.assertions.macros![name]
  const body = node.children.find((child) => child.kind === 'token_tree')
  if (rank === undefined || body === undefined) return undefined
  const args = splitArguments(tokensOf(body, table).slice(1, -1))
  if (name === 'panic' || name === 'unreachable') return [{ matcher: name, subject: '', expected: '', rank, tolerance: null }]
  if (table.assertions.truth?.includes(name)) return claimsOfCondition(args[0] ?? [], table, UNKNOWN_RANK, name)
  return [orderedClaim(name, args.slice(0, 2), 'actual_first', rank)]
}

function contextClaims(node: Node, table: LanguageTable): Claim[] | undefined {
  const clause = node.children.find((child) => child.kind === 'with_clause')
  const body = node.children.find((child) => child.kind === 'block')
  const claims: Claim[] = []
  for (const item of clause?.children.flatMap((child) => (child.kind === 'with_item' ? child.children : [])) ?? []) {
    const call = item.kind === 'as_pattern' ? item.children[0]! : item
    const links = chainOf(call)
    const last = links.at(-1)!
    if (!table.assertions.contexts!.includes(nameOf(links)) && !/^assert|^raises$/.test(last.name)) continue
    const args = itemsOf(last.args).map((arg) => tokensOf(arg, table).join(' '))
    const subject = body === undefined ? '' : tokensOf(body, table).join(' ')
    claims.push({ matcher: last.name, subject, expected: args.join(' , '), rank: throwRank(args, table), tolerance: null })
  }
  return claims.length === 0 ? undefined : claims
}

/** Go: `if got != want { t.Errorf(...) }`. */
function guardClaims(node: Node, table: LanguageTable): Claim[] | undefined {
  const block = node.children.find((child) => child.kind === 'block')
  if (block === undefined || !statementsOf(block).some((statement) => isFailingCall(statement, table))) return undefined
  const head = node.children.slice(1, node.children.indexOf(block)).filter((child) => !child.comment)
  const semicolon = head.findIndex((child) => child.kind === ';')
  const setup =
    semicolon < 0
      ? ''
      : head
          .slice(0, semicolon)
          .flatMap((child) => tokensOf(child, table))
          .join(' ')
  return claimsOfFailure(
    head.slice(semicolon + 1).flatMap((child) => tokensOf(child, table)),
    setup,
  )
}

/** The statements directly in a block. */
export function statementsOf(block: Node): Node[] {
  const inner =
    block.children.length > 0
      ? block.children.flatMap((child) => (/^(?:statement_list|body_statement|block_body)$/.test(child.kind) ? child.children : [child]))
      : []
  return inner.filter((child) => !child.comment && !/^[{}:;]$|^do$|^end$/.test(child.kind))
}

export function isFailingCall(node: Node, table: LanguageTable): boolean {
  const call = node.kind === 'expression_statement' ? node.children[0] : node
  if (call === undefined || !isChain(call) || table.assertions.failing_calls === undefined) return false
  const links = chainOf(call)
  return (
    links.length >= 2 &&
    links.at(-1)!.args !== null &&
    table.assertions.failing_calls.includes(links.at(-1)!.name) &&
    /^(?:\w{1,3}|s\.T|suite\.T)$/.test(nameOf(links.slice(0, -1)))
  )
}

function chainClaims(links: readonly Link[], node: Node, table: LanguageTable): Claim[] | undefined {
  const rules = table.assertions
  const at = links.findIndex(
    (link, i) => rules.chains.includes(link.name) && (i === 0 || link.name === 'should' || links[i - 1]!.name === 'chai'),
  )
  if (at < 0) return undefined
  const start = links[at]!
  const rest = links.slice(at + 1).filter((link) => link.name !== '')
  if (rest.length === 0 || (start.name !== 'should' && start.args === null && start.block === null && start.name !== 'is_expected'))
    return undefined
  const subject =
    start.name === 'should'
      ? links[at - 1] === undefined
        ? ''
        : tokensOf(links[at - 1]!.node, table).join(' ')
      : tokensOf(start.args ?? start.block ?? start.node, table).join(' ')
  const last = rest.at(-1)!
  const inner = table.languages.includes('ruby') ? itemsOf(last.args)[0] : undefined
  const matcherLinks = inner === undefined ? rest : chainOf(inner).filter((link) => link.name !== '')
  const known = matcherLinks.findLast((link) => rules.matchers[link.name] !== undefined)
  const matcher = (known ?? matcherLinks.at(-1) ?? last).name
  const negated = rest.some((link) => rules.negations.includes(link.name))
  const args = matcherLinks.flatMap((link) => itemsOf(link.args)).map((arg) => tokensOf(arg, table))
  const unawaited = rest.some((link) => link.name === 'resolves' || link.name === 'rejects') && node.parent?.kind === 'expression_statement'
  const claim = matched(matcher, negated, subject, inner !== undefined && known === undefined ? [tokensOf(inner, table)] : args, table)
  return [unawaited ? { ...claim, matcher: `unawaited ${claim.matcher}`, rank: 0 } : claim]
}

function matched(matcher: string, negated: boolean, subject: string, args: readonly (readonly string[])[], table: LanguageTable): Claim {
  const rules = table.assertions
  const rule = rules.tolerance[matcher]
  // The subject is not among a chain's arguments, so positions count from the expected value on.
  const { tolerance, rest } = rule === undefined ? { tolerance: null, rest: args } : toleranceOf(args, rule)
  const expected = rest.map((arg) => arg.join(' '))
  let rank = rules.matchers[matcher] ?? UNKNOWN_RANK
  if (rules.throwing.includes(matcher)) rank = throwRank(expected, table)
  // `not.toBe(3)` allows nearly everything, `not.toBeNull()` is mere existence, `not.toBeTruthy()` names few values.
  if (negated) rank = NOTHING.has(matcher) || NOTHING.has(expected.join()) ? 1 : rank >= 3 ? 2 : 3
  return { matcher: negated ? `not ${matcher}` : matcher, subject, expected: expected.join(' , '), rank, tolerance }
}

/** supertest: `request(app).get('/').expect(200)`. */
function trailingClaims(links: readonly Link[], table: LanguageTable): Claim[] | undefined {
  const names = table.assertions.trailing_chain
  if (names === undefined) return undefined
  const first = links.findIndex((link, at) => at > 0 && names.includes(link.name) && link.args !== null)
  if (first < 1) return undefined
  const subject = tokensOf(links[first - 1]!.node, table).join(' ')
  return links
    .slice(first)
    .filter((link) => names.includes(link.name) && link.args !== null)
    .map((link) => ({
      matcher: link.name,
      subject,
      expected: itemsOf(link.args)
        .map((arg) => tokensOf(arg, table).join(' '))
        .join(' , '),
      rank: UNKNOWN_RANK,
      tolerance: null,
    }))
}

function callClaims(links: readonly Link[], table: LanguageTable): Claim[] | undefined {
  const rules = table.assertions
  const last = links.at(-1)!
  if ((last.args === null && last.block === null) || last.name === '') return undefined
  const object = nameOf(links.slice(0, -1))
  const prefixed = rules.prefixes?.some((prefix) => last.name.startsWith(prefix)) ?? false
  const order =
    links.length === 1 ? (rules.plain[last.name] ?? (prefixed ? (rules.plain_order ?? 'actual_first') : undefined)) : rules.objects[object]
  let args = itemsOf(last.args).map((arg) => tokensOf(arg, table))
  if (rules.context_argument?.includes((args[0] ?? []).filter((token) => token !== '(' && token !== ')').join(''))) args = args.slice(1)
  const rank = rules.matchers[last.name]
  if (isFailingCall(last.node, table)) return [{ matcher: 'fail', subject: '', expected: '', rank: 4, tolerance: null }]
  if (order !== undefined && (rank !== undefined || prefixed || object === 'assert')) {
    if (rules.truth?.includes(last.name)) return claimsOfCondition(args[0] ?? [], table, rank ?? 1, last.name)
    const ordered = rules.actual_first?.includes(last.name) === true ? 'actual_first' : order
    return [callClaim(last, args, ordered, rank ?? UNKNOWN_RANK, table)]
  }
  // A double's own assertion: `mock.assert_called_once_with(1)`.
  if (links.length > 1 && prefixed && rules.plain_order === undefined) {
    const expected = args.map((arg) => arg.join(' ')).join(' , ')
    return [
      { matcher: last.name, subject: tokensOf(links.at(-2)!.node, table).join(' '), expected, rank: rank ?? UNKNOWN_RANK, tolerance: null },
    ]
  }
  return undefined
}

function callClaim(call: Link, args: readonly (readonly string[])[], order: string, rank: number, table: LanguageTable): Claim {
  const rules = table.assertions
  if (rules.throwing.includes(call.name)) {
    const texts = args.map((arg) => arg.join(' '))
    const block = call.block === null ? undefined : tokensOf(call.block, table).join(' ')
    const subjectAt = block !== undefined ? -1 : texts.findLastIndex((text) => /=>|->|lambda|^function\b/.test(text))
    const expected = texts.filter((_, at) => at !== (subjectAt < 0 && block === undefined ? 0 : subjectAt))
    return {
      matcher: call.name,
      subject: block ?? texts[subjectAt < 0 ? 0 : subjectAt] ?? '',
      expected: expected.join(' , '),
      rank: throwRank(expected, table),
      tolerance: null,
    }
  }
  const rule = rules.tolerance[call.name]
  const { tolerance, rest } = rule === undefined ? { tolerance: null, rest: args } : toleranceOf(args, rule)
  return { ...orderedClaim(call.name, rest.slice(0, 2), order, rank), tolerance }
}

export function orderedClaim(matcher: string, args: readonly (readonly string[])[], order: string, rank: number): Claim {
  const [first = '', second = ''] = args.map((arg) => arg.join(' '))
  if (args.length < 2) return { matcher, subject: first, expected: '', rank, tolerance: null }
  const [subject, expected] = order === 'expected_first' ? [second, first] : [first, second]
  return isLiteral(subject) && !isLiteral(expected)
    ? { matcher, subject: expected, expected: subject, rank, tolerance: null }
    : { matcher, subject, expected, rank, tolerance: null }
}

export function throwRank(expected: readonly string[], table: LanguageTable): number {
  if (expected.length === 0) return 1
  return table.assertions.broad_errors.includes(expected[0]!) && expected.length === 1 ? 1 : 3
}

/** Claims that can hardly fail: a literal compared with itself, an expected value that matches anything. */
export function weigh(claim: Claim, table: LanguageTable): Claim {
  if (
    claim.subject !== '' &&
    isLiteral(claim.subject) &&
    (claim.expected === claim.subject || (claim.expected === '' && table.truths.includes(claim.subject)))
  )
    return { ...claim, rank: 0 }
  const wildcard = table.assertions.wildcards.find((word) => claim.expected.includes(word))
  if (wildcard === undefined) return claim
  return { ...claim, rank: claim.expected.startsWith(wildcard) ? Math.min(claim.rank, 1) : Math.min(claim.rank, 2) }
}

export function nameOf(links: readonly Link[]): string {
  return links.map((link) => link.name).join('.')
}
