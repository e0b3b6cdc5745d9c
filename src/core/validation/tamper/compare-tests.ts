import type { Weakening } from '../evidence.ts'
import { compareAssertions, keyOf } from './compare-assertions.ts'
import { assertingWords, wordsOf, type AssertionFact, type TestFact } from '../../analysis/index.ts'
import { adopt, bodyOf, gained, owned, similarity, type FilePair, type Owned } from './match-tests.ts'

/** A base test that is not the same any more; `name` null means every test of the file, `file` '*' every test there is. */
export type TouchedTest = { file: string; name: string | null }

export type Comparison = { weakened: Weakening[]; added: number; touchedTests: TouchedTest[] }

/** What the whole change says about words: those that left the source with the change, and helpers that assert. */
export type Surroundings = { gone: ReadonlySet<string>; configTouched: boolean; helpers: ReadonlySet<string> }

/** What tests elsewhere gained, and what happened around them. */
type Ledger = { spare: Map<string, number>; rows: ReadonlyMap<string, number>; around: Surroundings }

/** Compares all tests of a change at once, so that a test moved to another file or renamed is not lost. */
export function compareTests(pairs: readonly FilePair[], around: Surroundings): Comparison {
  const out: Comparison = { weakened: [], added: 0, touchedTests: [] }
  const lost: Owned[] = []
  const fresh: Owned[] = []
  const matches: [Owned, Owned, boolean][] = []
  for (const pair of pairs) {
    const before = owned(pair, pair.base)
    const after = new Map(owned(pair, pair.candidate).map((item) => [item.test.id, item]))
    const known = new Set(before.map((item) => item.test.id))
    for (const item of before) {
      const successor = after.get(item.test.id)
      // A new test may have taken the name while the old one lives on under another.
      const moved =
        successor === undefined || bodyOf(successor) === bodyOf(item)
          ? undefined
          : [...after.values()].find((other) => !known.has(other.test.id) && item.assertions.length > 0 && bodyOf(other) === bodyOf(item))
      if (moved !== undefined) {
        matches.push([item, moved, true])
        after.delete(moved.test.id)
        continue
      }
      if (successor === undefined) lost.push(item)
      else matches.push([item, successor, false])
      after.delete(item.test.id)
    }
    fresh.push(...after.values())
  }
  for (const [base, candidate] of adopt(lost, fresh)) matches.push([base, candidate, true])
  // A helper nobody calls asserts nothing: only what stands in tests counts.
  const spare = gained(matches, fresh, (item) => item.assertions.filter((fact) => fact.disabled === null).map(keyOf))
  const rows = gained(matches, fresh, (item) => item.test.rows)
  for (const [base, candidate, moved] of matches) compareTest(base, candidate, moved, { spare, rows, around }, out)
  const standing = [...matches.map(([, candidate]) => candidate), ...fresh]
  judgeLost(lost, fresh, standing, spare, around, out)
  for (const item of fresh) {
    out.added++
    // In most languages the second of two functions with one name replaces the first, which then never runs.
    if (/#\d+$/.test(item.test.id) && item.pair.base !== null && !item.test.macro && isFunction(item))
      out.weakened.push(
        entry(item, 'unclassified', `an added test has the name of another, which may not run any more: ${item.test.id}`, false),
      )
    if (item.test.state === 'only')
      out.weakened.push(entry(item, 'test_skipped', 'an added test marked `only` keeps every other test of the file from running', true))
  }
  return out
}

const ASSERTING_NAME = /assert|expect|check|verif|should|must|ensure|compare|matches|test|^eq|require|validate|macro/i

/** Whether the candidate's test hands more of its work to something that may assert than the base's did. */
function callsHelper(base: TestFact, candidate: Owned, helpers: ReadonlySet<string>): boolean {
  // A test without a body of its own runs a macro.
  if (candidate.test.statements.length === 0 && base.statements.length > 0 && candidate.test.macro) return true
  const own = new Set(candidate.assertions.flatMap((fact) => fact.matcher.split(' ')))
  const asserts = assertingWords(candidate.pair.candidate?.language ?? null)
  const calls = (tokens: readonly string[]): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const [at, token] of tokens.entries()) {
      const next = tokens[at + 1]
      if ((next !== '(' && next !== '!' && next !== '.') || !/^\w+$/.test(token) || own.has(token) || asserts(token)) continue
      if (helpers.has(token) || ASSERTING_NAME.test(token)) counts.set(token, (counts.get(token) ?? 0) + 1)
    }
    return counts
  }
  const before = calls(base.tokens)
  return [...calls(candidate.test.tokens)].some(([name, count]) => count > (before.get(name) ?? 0))
}

const STATES: Partial<Record<TestFact['state'], string>> = { skip: 'is skipped', todo: 'is only announced', fail: 'is expected to fail' }

function compareTest(base: Owned, candidate: Owned, moved: boolean, ledger: Ledger, out: Comparison): void {
  const { spare, around } = ledger
  const before = out.weakened.length
  const was = base.test.state
  const is = candidate.test.state
  if ((was === 'run' || was === 'only') && STATES[is] !== undefined)
    out.weakened.push(entry(candidate, 'test_skipped', `${STATES[is]}: ${base.test.id}`, true))
  if (was === 'run' && is === 'only')
    out.weakened.push(entry(candidate, 'test_skipped', `\`only\` keeps the other tests from running: ${base.test.id}`, true))
  // Where lines were joined, equal tokens may assert less.
  const same =
    base.test.tokens.join(' ') === candidate.test.tokens.join(' ') &&
    base.test.rows.join('\n') === candidate.test.rows.join('\n') &&
    bodyOf(base) === bodyOf(candidate)
  if (same) {
    if (moved) {
      out.touchedTests.push({ file: base.pair.oldPath, name: base.test.name })
      out.weakened.push(entry(candidate, 'unclassified', `moved or renamed: ${base.test.id}`, false))
    }
    return
  }
  out.touchedTests.push({ file: base.pair.oldPath, name: base.test.name })
  compareRows(base, candidate, ledger, out)
  const change = compareAssertions(base.assertions, candidate.assertions)
  const helped = callsHelper(base.test, candidate, around.helpers)
  // Next to new assertions, or rewritten ones, only a person can tell what the test demands as a whole.
  const real = change.added.filter((fact) => fact.strength > 0 && fact.disabled === null)
  const rewritten = change.findings.some((finding) => !finding.proven)
  for (const finding of change.findings) {
    const proven = finding.proven && !moved && !helped && real.length === 0 && !speaksOf(finding.words, around.gone)
    out.weakened.push({
      file: candidate.pair.path,
      line: finding.line,
      kind: finding.kind,
      detail: `${base.test.id}: ${finding.detail}`,
      proven,
    })
  }
  const removed = change.removed.filter((fact) => fact.strength > 0 && fact.disabled === null && !takeSpare(fact, spare))
  // What the test no longer speaks of: with its subject gone from the source, so may its assertion be.
  const still = new Set(wordsOf(candidate.test.tokens.join(' ')))
  const dropped = wordsOf(base.test.tokens.join(' '))
    .filter((word) => !still.has(word))
    .join(' , ')
  const empty = change.added.some((fact) => fact.strength === 0)
  for (const fact of removed) {
    const proven =
      !moved &&
      real.length === 0 &&
      !rewritten &&
      !helped &&
      !standsIn(fact, candidate) &&
      !speaksOf(`${fact.subject} ${fact.expected} ${dropped}`, around.gone) &&
      !becameRows(base, candidate)
    const kind = proven ? (empty ? 'looser_assertion' : 'fewer_assertions') : 'unclassified'
    out.weakened.push({
      file: candidate.pair.path,
      line: candidate.test.line,
      kind,
      detail: `${base.test.id}: assertion gone: ${fact.matcher}(${fact.subject.slice(0, 120)})`,
      proven,
    })
  }
  if (out.weakened.length > before) return
  if (!moved && isAddition(base.test, candidate.test)) out.added++
  else out.weakened.push(entry(candidate, 'unclassified', `${moved ? 'moved or renamed and changed' : 'changed'}: ${base.test.id}`, false))
}

/** The same demand on the same subject stands in a loop, or stood in a branch: repetition was folded. */
function standsIn(fact: AssertionFact, candidate: Owned): boolean {
  return candidate.assertions.some(
    (other) => other.matcher === fact.matcher && other.subject === fact.subject && (fact.nested || other.nested),
  )
}

function becameRows(base: Owned, candidate: Owned): boolean {
  return candidate.test.rows.length > base.test.rows.length
}

function takeSpare(fact: AssertionFact, spare: Map<string, number>): boolean {
  const left = spare.get(keyOf(fact)) ?? 0
  if (left <= 0) return false
  spare.set(keyOf(fact), left - 1)
  return true
}

function compareRows(base: Owned, candidate: Owned, { rows, around }: Ledger, out: Comparison): void {
  const rest = [...candidate.test.rows]
  const gone = base.test.rows.filter((row) => {
    const at = rest.indexOf(row)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
  if (gone.length === 0) return
  const proven =
    rest.length === 0 && gone.length < base.test.rows.length && !gone.some((row) => (rows.get(row) ?? 0) > 0 || speaksOf(row, around.gone))
  for (const row of gone.slice(0, 5)) {
    out.weakened.push(
      entry(
        candidate,
        proven ? 'parameter_row_lost' : 'unclassified',
        `${base.test.id}: row ${proven ? 'gone' : 'changed'}: ${row.slice(0, 120)}`,
        proven,
      ),
    )
  }
}

/** A test that is a function by its name, where a call or a macro would only repeat a title. */
function isFunction(item: Owned): boolean {
  return /^\w+$/.test(item.test.name)
}

/** Nothing but these rows and the commas between them was put in. */
function onlyRows(base: TestFact, candidate: TestFact): boolean {
  const left = (words: readonly string[], taken: readonly string[]): string[] => {
    const counts = new Map<string, number>()
    for (const word of taken) counts.set(word, (counts.get(word) ?? 0) + 1)
    return words.filter((word) => {
      const count = counts.get(word) ?? 0
      counts.set(word, count - 1)
      return count <= 0
    })
  }
  const wordsOfTokens = (tokens: readonly string[]): string[] => tokens.flatMap((token) => token.split(' '))
  const inserted = left(wordsOfTokens(candidate.tokens), wordsOfTokens(base.tokens))
  const rows = wordsOfTokens(left(candidate.rows, base.rows))
  return left(inserted, rows).every((word) => SEPARATORS.has(word))
}

/** What stands between rows: commas, and the brackets of annotations that hold one row each. */
const SEPARATORS = new Set([',', '[', ']', '#', '@', '(', ')'])

/** Only assertions, or rows, were put into the test; everything it did before it still does in the same order. */
function isAddition(base: TestFact, candidate: TestFact): boolean {
  if (candidate.rows.length > base.rows.length) return isSubsequence(base.tokens, candidate.tokens) && onlyRows(base, candidate)
  if (base.statements.length === 0 || candidate.statements.length <= base.statements.length) return false
  let at = 0
  for (const [position, statement] of candidate.statements.entries()) {
    if (statement === base.statements[at]) at++
    else if (!candidate.asserting.has(position)) return false
  }
  return at === base.statements.length && isSubsequence(base.tokens, candidate.tokens)
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0
  for (const token of whole) if (token === part[at]) at++
  return at === part.length
}

function judgeLost(
  lost: readonly Owned[],
  fresh: readonly Owned[],
  standing: readonly Owned[],
  spare: Map<string, number>,
  around: Surroundings,
  out: Comparison,
): void {
  for (const item of lost) {
    out.touchedTests.push({ file: item.pair.oldPath, name: item.test.name })
    // An assertion that other tests gained has moved with the test's purpose.
    const covered = item.assertions.length > 0 && item.assertions.every((fact) => takeSpare(fact, spare))
    const replaced = fresh.length > 0
    // A subclass that overrode an inherited test, or one of several copies.
    const copy = standing.some((other) => other.test.name === item.test.name && similarity(item, other) > 0.6)
    const skipped = item.test.state !== 'run' && item.test.state !== 'only'
    // Its hooks and imports name its subject as often as the test itself.
    const { rest = [], imports = [] } = item.pair.base ?? {}
    const subjectLeft = speaksOf([item.test.id, ...item.test.tokens, ...rest, ...imports].join(' '), around.gone)
    const proven = !covered && !replaced && !copy && !skipped && !subjectLeft && !around.configTouched
    const why = covered
      ? 'its assertions stand in other tests'
      : replaced
        ? 'other tests were added in its place'
        : copy
          ? 'a test of the same name and nearly the same text stands elsewhere'
          : skipped
            ? 'it was skipped before'
            : subjectLeft
              ? 'what it speaks of left the source'
              : around.configTouched
                ? 'the runner configuration changed too'
                : 'nothing took its place'
    out.weakened.push({
      file: item.pair.candidate === null ? item.pair.oldPath : item.pair.path,
      line: item.pair.candidate === null ? null : item.test.line,
      kind: proven ? 'test_lost' : 'unclassified',
      detail: `test gone: ${item.test.id} (${why})`,
      proven,
    })
  }
}

function speaksOf(text: string, gone: ReadonlySet<string>): boolean {
  return gone.size > 0 && wordsOf(text).some((word) => gone.has(word))
}

function entry(item: Owned, kind: Weakening['kind'], detail: string, proven: boolean): Weakening {
  return { file: item.pair.path, line: item.test.line, kind, detail, proven }
}
