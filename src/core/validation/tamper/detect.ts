import type { Weakening } from '../evidence.ts'
import type { ChangedFile } from '../../git/index.ts'
import { compareConfig } from './compare-config.ts'
import { readSides, type FactSource, type Side } from './read-sides.ts'
import { compareTests, type TouchedTest } from './compare-tests.ts'
import type { FilePair } from './match-tests.ts'
import { doctestsOf } from './doctests.ts'
import { codeOf, testFacts, testLanguageOf, wordsOf, type TestFacts } from '../../analysis/index.ts'
import { configOf, hasTestName, isAmbient, isSnapshot, looksLikeTestFile } from './paths.ts'

export type WeakeningInput = {
  changedFiles: readonly Pick<ChangedFile, 'path' | 'oldPath' | 'status'>[]
  /** The text of a file of the base, `undefined` where it has none or it is binary. */
  readBase(path: string): Promise<string | undefined>
  readCandidate(path: string): Promise<string | undefined>
  /** The plan's judgement (its globs); names and folders decide where it is absent. */
  isTestFile?(path: string): boolean
  /** The base's test files: an exclusion that meets one of them is proven. */
  baseTestFiles?: readonly string[]
  /** Reads languages that have no syntax table of tests; without it their files are compared by lines. */
  facts?: () => Promise<FactSource>
}

export type WeakeningReport = {
  /** Proven entries are a roll back; the others are `tests_touched`: a person has to look. */
  weakened: readonly Weakening[]
  /** Anything about the tests, their data or their configuration changed. */
  touched: boolean
  /** Nothing but new tests, assertions and rows. */
  addedOnly: boolean
  /** Some changed tests stand inside source files: they are compared by syntax only, base tests cannot be overlaid there. */
  tests_in_source: boolean
  /** The weakest tier used: 2 means that some file was only compared by lines. */
  tier: 1 | 2
  notes: readonly string[]
  /** Base tests that differ: where the old version fails and the new one passes, the contract changed (see `isTouched`). */
  touchedTests: readonly TouchedTest[]
}

/** Whether a test of a runner's report is one that the change touched: by its file and the last part of its name. */
export function isTouched(report: Pick<WeakeningReport, 'touchedTests'>, test: { file: string; name: string }): boolean {
  return report.touchedTests.some((item) => {
    if (item.file === '*') return true
    if (item.file !== test.file && !test.file.endsWith(`/${item.file}`)) return false
    // A template's name says only how it begins: 'adds %i and %i', `reads ${text}`.
    const name = item.name
      ?.replace(/^["'`]|["'`]$/g, '')
      .split(/%[a-z]|\$|#\{/)[0]
      ?.trim()
    return name === undefined || name === '' || test.name.includes(name)
  })
}

/** Languages whose tests live inside source files. */
const IN_SOURCE = new Set(['rust', 'python', 'zig'])

/** Compares the tests of two trees by syntax and says whether the candidate weakens them. */
export async function detectWeakening(input: WeakeningInput): Promise<WeakeningReport> {
  const isTest = input.isTestFile ?? looksLikeTestFile
  const weakened: Weakening[] = []
  const notes: string[] = []
  const pairs: FilePair[] = []
  const restless: FilePair[] = []
  const words = { base: new Set<string>(), candidate: new Set<string>() }
  const touchedTests: TouchedTest[] = []
  /** Files that do not parse whole: what is missing may be there after all. */
  const unsure = new Set<string>()
  let touched = false
  let inSource = false
  let configTouched = false
  let added = 0
  let tier: 1 | 2 = 1

  const sides = await readSides(input)
  for (const [at, file] of input.changedFiles.entries()) {
    const oldPath = file.oldPath ?? file.path
    const side = sides[at]!
    const [base, candidate] = [side.base.text, side.candidate.text]
    const config = configOf(file.path) ?? configOf(oldPath)
    if (config !== undefined) {
      const compared = compareConfig(file.path, config, base, candidate, input.baseTestFiles ?? [])
      weakened.push(...compared.weakened)
      touched ||= compared.touched
      if (compared.touched) touchedTests.push({ file: '*', name: null })
      configTouched ||= compared.touched && config.read !== 'shell' && config.name !== 'conftest'
      if (config.name !== 'conftest') continue
    }
    const wasTest = file.status !== 'added' && isTest(oldPath)
    const nowTest = file.status !== 'deleted' && isTest(file.path)
    if (!wasTest && !nowTest) {
      const pair = inSourcePair(file.path, oldPath, side.base, side.candidate)
      for (const word of sourceWords(side.base, pair?.base, oldPath)) words.base.add(word)
      for (const word of sourceWords(side.candidate, pair?.candidate, file.path)) words.candidate.add(word)
      if (pair === undefined) continue
      inSource = true
      pairs.push(pair)
      if (pair.base?.partial === true || pair.candidate?.partial === true) unsure.add(file.path).add(oldPath)
      if (
        doctestsOf(base ?? '', pair.base?.language ?? null).join('\n') !==
        doctestsOf(candidate ?? '', pair.candidate?.language ?? null).join('\n')
      ) {
        touched = true
        weakened.push({
          file: file.path,
          line: null,
          kind: 'unclassified',
          detail: 'the examples in its documentation changed',
          proven: false,
        })
      }
      continue
    }
    if (isSnapshot(file.path) || isSnapshot(oldPath)) {
      touched = true
      if (base !== undefined) touchedTests.push({ file: '*', name: null })
      if (base === undefined) added++
      else
        weakened.push({
          file: file.path,
          line: null,
          kind: 'snapshot_changed',
          detail: candidate === undefined ? 'a snapshot is gone' : 'a snapshot changed',
          proven: false,
        })
      continue
    }
    // A file whose new name no runner collects has lost its tests, wherever its text went.
    const collected = nowTest && !(hasTestName(oldPath) && !hasTestName(file.path))
    const before = wasTest && base !== undefined ? testFacts(base, testLanguageOf(oldPath), side.base.facts) : null
    const after = collected && candidate !== undefined ? testFacts(candidate, testLanguageOf(file.path), side.candidate.facts) : null
    if ((before ?? after) === null) {
      touched = true
      if (file.status !== 'added') touchedTests.push({ file: '*', name: null })
      if (file.status === 'added') added++
      else weakened.push({ file: file.path, line: null, kind: 'unclassified', detail: 'test data that is not text', proven: false })
      continue
    }
    const pair = { path: file.path, oldPath, base: before, candidate: after, inSource: false }
    pairs.push(pair)
    restless.push(pair)
    if (before?.partial === true || after?.partial === true) unsure.add(file.path).add(oldPath)
    if (goOutputs(base ?? '', oldPath) !== goOutputs(candidate ?? '', file.path) && file.status !== 'added') {
      touched = true
      touchedTests.push({ file: oldPath, name: null })
      weakened.push({
        file: file.path,
        line: null,
        kind: 'unclassified',
        detail: 'the expected output of an example changed',
        proven: false,
      })
    }
    if (file.status === 'renamed' && before !== null && after !== null) {
      weakened.push({ file: file.path, line: null, kind: 'unclassified', detail: `the file moved from ${oldPath}`, proven: false })
    }
  }

  const gone = new Set([...words.base].filter((word) => !words.candidate.has(word)))
  const helpers = new Set(pairs.flatMap((pair) => helperNames(pair.candidate)))
  const compared = compareTests(pairs, { gone, configTouched, helpers })
  weakened.push(...compared.weakened)
  added += compared.added
  for (const pair of restless) {
    const around = compareAround(pair)
    if (around === undefined) continue
    touched = true
    if (around === 'added' && pair.base !== null && unsure.has(pair.path))
      weakened.push({
        file: pair.path,
        line: null,
        kind: 'unclassified',
        detail: 'the file changed and does not parse whole',
        proven: false,
      })
    else if (around === 'added') added++
    else {
      weakened.push(...around)
      // A helper's file may serve every test, a test file's hooks its own tests.
      if (around.length > 0) touchedTests.push({ file: pair.base !== null && pair.base.tests.length > 0 ? pair.oldPath : '*', name: null })
    }
    if (isLines(pair.base) || isLines(pair.candidate)) tier = 2
  }
  touched ||= weakened.length > 0 || added > 0
  if (tier === 2) notes.push('some test files were compared line by line: changes there cannot be proven')
  if (inSource) notes.push('tests inside source files are compared by syntax only')
  return {
    weakened: sorted(weakened.map((item) => (unsure.has(item.file) ? { ...item, proven: false } : item))),
    touched,
    addedOnly: touched && weakened.length === 0 && added > 0,
    tests_in_source: inSource,
    tier,
    notes,
    touchedTests: [...touchedTests, ...compared.touchedTests],
  }
}

function inSourcePair(path: string, oldPath: string, base: Side, candidate: Side): FilePair | undefined {
  const language = testLanguageOf(path) ?? (path.endsWith('.zig') ? 'zig' : undefined)
  if (language === undefined || !IN_SOURCE.has(language)) return undefined
  if (!/#\[(?:\w+::)?test\b|\bdef test|>>> |```|^[ \t]*test[ "{]/m.test(`${base.text ?? ''}\n${candidate.text ?? ''}`)) return undefined
  const facts = ({ text, facts: found }: Side): TestFacts | null => (text === undefined ? null : testFacts(text, language, found))
  return { path, oldPath, base: facts(base), candidate: facts(candidate), inSource: true }
}

/** What a source file speaks of, its own tests left out. */
function sourceWords({ text, facts: found }: Side, facts: TestFacts | null | undefined, path: string): string[] {
  if (facts !== null && facts !== undefined && facts.tier === 1) return wordsOf([...facts.rest, ...facts.imports].join(' '))
  return text === undefined ? [] : wordsOf(codeOf(text, path, found))
}

/** Names of functions outside of tests in files that assert outside of tests. */
function helperNames(facts: TestFacts | null): string[] {
  if (facts === null || !facts.assertions.some((fact) => fact.test === '')) return []
  return facts.rest.filter(
    (word, at) => /^(?:function|def|defp|func|fun|fn|sub|const|void)$/.test(facts.rest[at - 1] ?? '') && /^\w+$/.test(word),
  )
}

const isLines = (facts: TestFacts | null): boolean => facts !== null && facts.tier !== 1

/** What changed around the tests: helpers, hooks, mocks, imports, calls that end the process. */
function compareAround(pair: FilePair): readonly Weakening[] | 'added' | undefined {
  const { base, candidate } = pair
  const found: Weakening[] = []
  const add = (kind: Weakening['kind'], detail: string, proven: boolean): void => {
    found.push({ file: pair.path, line: null, kind, detail, proven })
  }
  if ((candidate?.exits ?? 0) > (base?.exits ?? 0) && (base !== null || isAmbient(pair.path)))
    add('exit_zero_wrapper', 'the test code ends the process', true)
  if (base === null) {
    if (isAmbient(pair.path)) add('unclassified', 'an added file that changes how other tests run', false)
    return found.length > 0 ? found : 'added'
  }
  if (candidate === null) {
    if (base.tests.length === 0) add('unclassified', 'a file of the tests is gone', false)
    return found
  }
  if (isLines(base) || isLines(candidate)) {
    if (base.rest.join('\n') === candidate.rest.join('\n')) return undefined
    const kept = new Set(candidate.rest)
    if (
      base.tier === candidate.tier &&
      base.rest.every((line) => kept.has(line)) &&
      candidate.rest.length > base.rest.length &&
      base.rest.length > 0
    ) {
      add('unclassified', 'lines were added (compared by lines only)', false)
    } else add('unclassified', 'lines changed (compared by lines only)', false)
    return found
  }
  const lostImports = base.imports.filter((word) => !candidate.imports.includes(word))
  if (base.rest.join(' ') !== candidate.rest.join(' ')) add('unclassified', 'code around the tests changed', false)
  else if (lostImports.length > 0) add('unclassified', `imports changed: ${lostImports.slice(0, 5).join(', ')}`, false)
  if (found.length > 0) return found
  return base.imports.join(' ') === candidate.imports.join(' ') && base.tests.length === candidate.tests.length ? undefined : 'added'
}

function sorted(weakened: readonly Weakening[]): Weakening[] {
  return [...weakened].sort(
    (a, b) => Number(b.proven) - Number(a.proven) || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || (a.line ?? 0) - (b.line ?? 0),
  )
}

/** What Go's examples are expected to print: comments that are assertions (https://pkg.go.dev/testing#hdr-Examples). */
function goOutputs(text: string, path: string): string {
  if (!path.endsWith('_test.go')) return ''
  return [...text.matchAll(/^[ \t]*\/\/[ \t]*(?:unordered )?output:[^\n]*(?:\n[ \t]*\/\/[^\n]*)*/gim)].map(([found]) => found).join('\n')
}
