import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testFacts, testLanguageOf, type TestFacts } from '../../../src/core/analysis/index.ts'
import { createFactReader, type Span } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'
import { renderTestFacts } from '../../support/render-test-facts.ts'

const ROOT = join(import.meta.dirname, '../../fixtures/test-facts')
const LANGUAGES = readdirSync(ROOT).sort()
const sourceOf = (language: string): string => readdirSync(join(ROOT, language)).find((name) => !/^(?:edits\.json|facts\.txt)$/.test(name))!
const reader = createFactReader({ ...packagedParsing, engines: ['native'] })

type Read = { facts: TestFacts; spans: Span[]; calls: Span[] }

async function read(language: string, bytes: Uint8Array): Promise<Read> {
  const path = sourceOf(language)
  const [found] = await reader.read([{ path, bytes }])
  return { facts: testFacts(bytes, testLanguageOf(path), found), spans: [...found!.comments, ...found!.strings], calls: found!.assertions }
}

/** All that the detector compares. */
const withoutLines = ({ tests, assertions, rest, imports }: TestFacts): unknown => ({
  tests: tests.map(({ line: _line, ...test }) => test),
  assertions: assertions.map(({ line: _line, ...assertion }) => assertion),
  rest,
  imports,
})

const COMMENTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['bash', 'elixir', 'hcl', 'julia', 'powershell', 'python', 'r', 'ruby'].map((language) => [language, '# why'])),
  ...Object.fromEntries(['haskell', 'lua', 'sql'].map((language) => [language, '-- why'])),
  ocaml: '(* why *)',
}
/** Languages in which the arguments of a call may end with a comma. */
const TRAILING_COMMAS = new Set(['dart', 'go', 'javascript', 'kotlin', 'php', 'rust', 'tsx', 'typescript', 'zig'])

/** The same code with other white space, more empty lines, comments and trailing commas, as a formatter or a person would leave it. */
function reformat(
  bytes: Uint8Array,
  options: Pick<Read, 'spans' | 'calls'> & { seed: number; windows: boolean; language: string },
): Uint8Array {
  const { spans, calls, windows, language } = options
  let state = options.seed
  const sometimes = (): boolean => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return ((state >>> 16) & 3) === 0
  }
  const text = Buffer.from(bytes).toString('latin1')
  // Names in backticks may hold spaces.
  const names = [...text.matchAll(/`+[^`\n]+`+/g)].map((found) => ({ start: found.index, end: found.index + found[0].length }))
  const isCode = (at: number): boolean => ![...spans, ...names].some(({ start, end }) => start < at && at < end)
  const commas = new Set(
    TRAILING_COMMAS.has(language)
      ? calls.flatMap(({ end }) => [end - 1, end - 2]).filter((at) => text[at] === ')' && /[\w"'\]}]/.test(text[at - 1]!))
      : [],
  )
  const made = [...text].map((letter, at) => {
    if (!isCode(at)) return letter
    if (commas.has(at) && sometimes()) return `,${letter}`
    if (letter === ' ' && /\S/.test(text[at - 1] ?? ' ') && /\S/.test(text[at + 1] ?? ' ') && sometimes()) return '  '
    if (letter !== '\n' || text.indexOf('\n', at + 1) < 0 || !sometimes()) return letter
    const indent = /^\n[ \t]*/.exec(text.slice(at))![0].slice(1)
    return sometimes() ? '\n\n' : `\n${indent}${COMMENTS[language] ?? '// why'}\n`
  })
  const other = made.join('')
  return Buffer.from(windows ? other.replaceAll('\n', '\r\n') : other, 'latin1')
}

describe.skipIf(!existsSync(packagedParsing.addonFile))('testFacts (native/build/code.node)', () => {
  it('reads tests in at least thirty languages by their syntax tree', async () => {
    const tiers = await Promise.all(
      LANGUAGES.map(async (language) => {
        const { facts } = await read(language, readFileSync(join(ROOT, language, sourceOf(language))))
        return facts.tier === 1 && facts.tests.length > 0 && facts.assertions.some(({ test }) => test !== '') ? [language] : []
      }),
    )
    expect(tiers.flat().length).toBeGreaterThanOrEqual(30)
    expect(tiers.flat()).toEqual(LANGUAGES)
  })

  // facts.txt was written by the program and then read once against the source beside it: who doubts a line checks it by hand.
  it.each(LANGUAGES)('of %s are those of its golden file', async (language) => {
    const { facts } = await read(language, readFileSync(join(ROOT, language, sourceOf(language))))
    expect(renderTestFacts(facts)).toBe(readFileSync(join(ROOT, language, 'facts.txt'), 'utf8'))
  })

  it.each(LANGUAGES)('of %s do not depend on its layout', async (language) => {
    const bytes = readFileSync(join(ROOT, language, sourceOf(language)))
    const { facts, spans, calls } = await read(language, bytes)
    const expected = withoutLines(facts)
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, windows) => {
        const other = await read(language, reformat(bytes, { seed, windows, language, spans, calls }))
        expect(withoutLines(other.facts)).toEqual(expected)
      }),
      { numRuns: 6 },
    )
  })
})
