import type { AssertionFact as AssertionSpan, FileFacts, TestFact as TestSpan } from '../../parsing/index.ts'
import { firstFrom, NEW_LINE, tokensIn, tokensOfSource, type SourceToken } from './source-tokens.ts'
import { claimsOfSpan } from './span-claims.ts'
import { isThrowing, matcherOf } from './matcher-ranks.ts'
import type { LanguageTable, TestState } from './tables.ts'
import { createTestBody, type TestBody } from './test-body.ts'
import { digest, type AssertionFact, type TestFact, type TestFacts } from './test-fact.ts'

type Inherited = { names: string[]; state: TestState; rows: string[] }

/** Tests and assertions of a file whose language table says where they stand; what they demand is read from their tokens. */
export function factsOfSpans(bytes: Uint8Array, facts: FileFacts, table: LanguageTable): TestFacts {
  const words = table.words!
  const tokens = tokensOfSource(bytes, facts, words, table.skip_tokens)
  const textsIn = (span: { start: number; end: number }): string[] => tokensIn(tokens, span).map(({ text }) => text)
  const codeIn = (span: { start: number; end: number }): string[] =>
    tokensIn(tokens, span)
      .filter(({ layout }) => !layout)
      .map(({ text }) => text)
  const spans = words.lexing === 'shell' ? withBlocks(facts.tests, tokens) : facts.tests
  const children = spans.map((): number[] => [])
  for (const [at, { parent }] of spans.entries()) if (parent !== null) children[parent]!.push(at)
  const bodies = new Map<number, TestBody>()
  const bodyOf = (at: number): TestBody => {
    let body = bodies.get(at)
    if (body === undefined) bodies.set(at, (body = createTestBody(tokensIn(tokens, spans[at]!))))
    return body
  }
  const marks = (at: number): TestState =>
    children[at]!.filter((child) => isMark(at, child) && bodyOf(at).always(spans[child]!.start, words)).map((child) =>
      asState(spans[child]!.state),
    )[0] ?? 'run'
  /** `pending('why')` inside of a test is no test of its own. */
  const isMark = (at: number, child: number): boolean =>
    spans[child]!.kind === 'mark' ||
    (spans[at]!.kind === 'case' && spans[child]!.kind === 'case' && spans[child]!.state !== 'run' && codeIn(spans[child]!).length <= 4)
  const rowsOf = (at: number): string[] =>
    children[at]!.filter((child) => spans[child]!.kind === 'row').map((child) => codeIn(spans[child]!).join(' '))
  const nameOf = (at: number): string => spans[at]!.name?.trim() ?? codeIn(spans[at]!).slice(0, 12).join(' ')

  /** What the suites and tests around a span hand down. */
  const inherited = (at: number): Inherited => {
    const chain: number[] = []
    for (let up: number | null = at; up !== null; up = spans[up]!.parent) if (isNamed(spans[up]!)) chain.unshift(up)
    const found: Inherited = { names: [], state: 'run', rows: [] }
    for (const each of chain) {
      const own = asState(spans[each]!.state) === 'run' ? marks(each) : asState(spans[each]!.state)
      if ((found.state === 'run' || found.state === 'only') && own !== 'run') found.state = own
      found.names.push(nameOf(each))
      if (spans[each]!.kind === 'case') found.rows.push(...rowsOf(each))
    }
    return found
  }

  const owners = spans.map((_, at) => ownerOf(spans, at))
  const assertions = outermost(facts.assertions).map((span) => ({
    span,
    owner:
      span.test === null
        ? spans.findIndex((test) => test.kind === 'case' && test.start <= span.start && span.end <= test.end)
        : owners[span.test]!,
  }))
  const ids = new Map<number, string>()
  const seen = new Map<string, number>()
  const drafts: { fact: TestFact; at: number }[] = []
  for (const [at, span] of spans.entries()) {
    if (span.kind !== 'case' || (span.parent !== null && isMark(span.parent, at))) continue
    const { names, state, rows } = inherited(at)
    const id = unique(names.join(' > '), seen)
    ids.set(at, id)
    const pieces = piecesOf(
      tokensIn(tokens, span),
      assertions.filter(({ owner }) => owner === at).map((item) => item.span),
      table,
    )
    drafts.push({
      at,
      fact: { id, name: nameOf(at), line: span.row + 1, state, rows, tokens: textsIn(span), macro: false, ...pieces },
    })
  }
  const only = drafts.some(({ fact }) => fact.state === 'only')
  const file = createTestBody(tokens)
  const whole = spans.find(
    ({ kind, parent, start }) =>
      kind === 'mark' && parent === null && (words.file_marks === true || (words.braces !== false && file.depthAt(start) === 0)),
  )
  const outside = { cases: spans.filter(({ kind }) => kind === 'case'), imports: facts.imports }
  const [rest, imports] = around(tokens, outside)
  const code = ` ${tokens.map(({ text }) => text).join(' ')} `
  return {
    language: facts.language,
    tests: drafts.map(({ fact }) => ({
      ...fact,
      state: whole !== undefined ? asState(whole.state) : only && fact.state !== 'only' ? 'skip' : fact.state,
    })),
    assertions: assertions.flatMap(({ span, owner }) => {
      const body = owner < 0 ? undefined : bodyOf(owner)
      return claimsOfSpan(codeIn(span), span.matcher, table).map((claim): AssertionFact => ({
        test: ids.get(owner) ?? '',
        line: span.row + 1,
        matcher: claim.matcher,
        strength: claim.rank,
        subject: claim.subject,
        expected: claim.expected,
        expected_hash: digest(claim.expected),
        tolerance: claim.tolerance,
        nested: body !== undefined && (words.braces === false || !body.isOwn(span.start)),
        disabled: body !== undefined && body.isBehindReturn(span.start) ? 'unreachable' : null,
      }))
    }),
    rest,
    imports,
    exits: table.exits.reduce((sum, exit) => sum + code.split(` ${exit} `).length - 1, 0),
    tier: 1,
    partial: facts.partial !== null && !(words.macros === true && facts.errorRatio === 0),
  }
}

const asState = (text: string): TestState => text as TestState
const isNamed = ({ kind }: TestSpan): boolean => kind === 'case' || kind === 'suite'

/** The test that a span lies in, -1 where there is none. */
function ownerOf(spans: readonly TestSpan[], at: number): number {
  for (let up: number | null = at; up !== null; up = spans[up]!.parent) if (spans[up]!.kind === 'case') return up
  return -1
}

/** Tests whose grammar knows no blocks of tests, and what lies in them. */
function withBlocks(tests: readonly TestSpan[], tokens: readonly SourceToken[]): TestSpan[] {
  const spans = tests.map((span) => (span.kind === 'case' ? withBlock(span, tokens) : span))
  const around = (start: number, own: number): number => spans.findIndex((span, at) => at !== own && span.start < start && start < span.end)
  return spans.map((span, at) => {
    const parent = span.parent ?? around(span.start, at)
    return { ...span, parent: parent < 0 ? null : parent }
  })
}

/** It ends at the brace that closes the one at its end. */
function withBlock(span: TestSpan, tokens: readonly SourceToken[]): TestSpan {
  const own = tokensIn(tokens, span)
  if (own.at(-1)?.text !== '{') return span
  let depth = 1
  for (let at = firstFrom(tokens, span.end); at < tokens.length; at++) {
    if (tokens[at]!.text === '{') depth++
    else if (tokens[at]!.text === '}' && --depth === 0) return { ...span, end: tokens[at]!.end }
  }
  return span
}

function unique(id: string, seen: Map<string, number>): string {
  const count = (seen.get(id) ?? 0) + 1
  seen.set(id, count)
  return count === 1 ? id : `${id}#${count}`
}

/** One chain may be found at several of its links: the longest of those that begin together is the assertion. */
function outermost(spans: readonly AssertionSpan[]): AssertionSpan[] {
  const longest = new Map<number, AssertionSpan>()
  for (const span of spans) {
    const known = longest.get(span.start)
    if (known === undefined || span.end > known.end) longest.set(span.start, span)
  }
  return [...longest.values()].toSorted((a, b) => a.start - b.start)
}

/**
 * A test in pieces: each assertion that can fail is one, each other token is one. What was only put in is told by comparing them.
 * Assertions that wait for an error are no additions: they may hide that others fail.
 */
function piecesOf(
  tokens: readonly SourceToken[],
  spans: readonly AssertionSpan[],
  table: LanguageTable,
): { statements: string[]; asserting: Set<number> } {
  const statements: string[] = []
  const asserting = new Set<number>()
  let next = 0
  let end = -1
  for (const token of tokens) {
    // A line more is no change by itself; a deeper one is.
    if (token.text === NEW_LINE && token.layout) continue
    if (token.start < end) {
      statements.push(`${statements.pop()!} ${token.text}`)
      continue
    }
    while (next < spans.length && spans[next]!.start < token.start) next++
    const span = spans[next]
    if (span !== undefined && span.start === token.start && !token.layout && counts(tokens, span, table)) {
      end = span.end
      asserting.add(statements.length)
    } else if (token.text === ';' && token.start >= end && asserting.has(statements.length - 1) && !statements.at(-1)!.endsWith(' ;')) {
      statements.push(`${statements.pop()!} ;`)
      continue
    }
    statements.push(token.text)
  }
  return { statements, asserting }
}

/** An added assertion that sets something, or runs a block, may change what those behind it see. */
const EFFECTS = new Set(['{', '=', ':=', '+=', '-=', '++', '--'])

function counts(tokens: readonly SourceToken[], span: AssertionSpan, table: LanguageTable): boolean {
  const texts = tokensIn(tokens, span).map(({ text }) => text)
  const claims = claimsOfSpan(texts, span.matcher, table)
  const { stem, negated } = matcherOf(span.matcher ?? texts[0] ?? '', table.words!)
  return (
    claims.length > 0 && claims.every(({ rank }) => rank > 0) && !(isThrowing(stem) && !negated) && !texts.some((text) => EFFECTS.has(text))
  )
}

/** The tokens outside of tests, and those of imports. */
function around(
  tokens: readonly SourceToken[],
  spans: { cases: readonly { start: number; end: number }[]; imports: readonly { start: number; end: number }[] },
): [string[], string[]] {
  const rest: string[] = []
  const imports: string[] = []
  const inCase = within(spans.cases)
  const inImport = within(spans.imports)
  for (const token of tokens) {
    if (inCase(token.start)) continue
    ;(inImport(token.start) ? imports : rest).push(token.text)
  }
  return [rest, imports]
}

/** Whether places, asked for in rising order, lie in one of the spans. */
function within(spans: readonly { start: number; end: number }[]): (at: number) => boolean {
  const sorted = spans.toSorted((a, b) => a.start - b.start)
  let next = 0
  let end = -1
  return (at) => {
    while (next < sorted.length && sorted[next]!.start <= at) end = Math.max(end, sorted[next++]!.end)
    return at < end
  }
}
