import { AT } from '../facts-record.ts'
import type { FactEngine } from '../fact-engine.ts'
import type { PartialReason } from '../facts.ts'
import type { LanguageTable, ScannerPattern, ScannerWords } from '../language-table.ts'
import { CODE, COMMENT, createLineTable, rowOf, sumLines } from '../line-table.ts'
import { createRecordWriter } from '../record-writer.ts'
import { scanTokens } from '../scan-tokens.ts'
import { decodeForEngine } from '../source-text.ts'
import type { LanguageTables } from '../tables.ts'
import { readText } from './text.ts'

const UNKNOWN = -1

/** Tier 2: comments, strings, decision words, and what regular expressions find at line starts. */
export function createScannerEngine(deps: { tables: LanguageTables }): FactEngine {
  return {
    name: 'scanner',
    tier: 2,
    support(language) {
      const words = deps.tables.get(language)?.scanner
      return Promise.resolve(
        words === undefined
          ? { ok: false, reason: `the table of ${language} has no scanner words` }
          : { ok: true, grammar: '', version: '1', abi: null },
      )
    },
    read: (files) => Promise.resolve(files.map(({ language, bytes }) => scanFile(bytes, deps.tables.get(language), null))),
  }
}

type Found = { name: string | undefined; as: string; start: number; end: number; nameStart: number }

/** Facts by tokens, or by text where the table has no words for it. */
export function scanFile(bytes: Uint8Array, table: LanguageTable | undefined, partial: PartialReason | null): Int32Array {
  const words = table?.scanner
  if (words === undefined) return readText(bytes, partial)
  const { text, valid, byteOf } = decodeForEngine(bytes)
  const { code, comments, strings } = scanTokens(text, words)
  const lines = createLineTable(bytes)
  const writer = createRecordWriter(bytes.length)
  const { header, sections } = writer
  const names = new Map<string, number>()
  const nameOf = (name: string | undefined): number => {
    if (name === undefined) return UNKNOWN
    const known = names.get(name)
    if (known !== undefined) return known
    const id = writer.name(new TextEncoder().encode(name))
    names.set(name, id)
    return id
  }
  const span = (start: number, end: number) => {
    const [from, to] = [byteOf(start), byteOf(end)]
    return [from, to, rowOf(lines, from), rowOf(lines, Math.max(from, to - 1))] as const
  }
  const lineStarts = startsOf(code)
  for (const start of lineStarts) if (/\S/.test(lineAt(code, start))) lines.marks[rowOf(lines, byteOf(start))]! |= CODE
  const mark = (spans: readonly (readonly [number, number])[], bit: number, section: 'comments' | 'strings') => {
    for (const [start, end] of spans) {
      const place = span(start, end)
      for (let row = place[2]; row <= place[3]; row++) lines.marks[row]! |= bit
      sections[section].push(...place)
    }
  }
  mark(comments, COMMENT, 'comments')
  mark(strings, CODE, 'strings')

  const scopes = find(code, lineStarts, words.scopes, words)
  const functions = find(code, lineStarts, words.functions, words)
  const definitions = find(code, lineStarts, words.definitions, { ...words, ends: 'line' })
  /** The last of those that hold all of it, itself left out. */
  const inside = (outer: readonly Found[], { start, end }: Found) =>
    outer.findLastIndex((each) => each.start <= start && end <= each.end && each.end - each.start > end - start)
  const decisionsAt = words.decisions === undefined && words.decision_tokens === undefined ? undefined : decisionsOf(code, words)

  scopes.forEach((scope) =>
    sections.scopes.push(
      nameOf(scope.name),
      nameOf(scope.as),
      ...span(scope.start, scope.end),
      byteOf(scope.nameStart),
      inside(scopes, scope),
      UNKNOWN,
    ),
  )
  const sums = sumLines(lines)
  const own = functions.map(() => 0)
  let outside = 0
  for (const at of decisionsAt ?? []) {
    let innermost = UNKNOWN
    functions.forEach((each, i) => {
      if (each.start <= at && at < each.end) innermost = i
    })
    if (innermost < 0) outside += 1
    else own[innermost]! += 1
  }
  functions.forEach((each, i) => {
    const place = span(each.start, each.end)
    const last = Math.min(place[3] + 1, lines.physical)
    const counted = [sums.source, UNKNOWN, sums.comment, sums.blank].map((sum) =>
      typeof sum === 'number' ? sum : sum[last]! - sum[place[2]]!,
    )
    const decisions = decisionsAt === undefined ? UNKNOWN : own[i]! + 1
    const nameStart = each.name === undefined ? UNKNOWN : byteOf(each.nameStart)
    const nameEnd = each.name === undefined ? UNKNOWN : byteOf(each.nameStart + each.name.length)
    sections.functions.push(nameOf(each.name), nameOf(each.as), ...place, nameStart, nameEnd, inside(functions, each), inside(scopes, each))
    sections.functions.push(0, 0, UNKNOWN, decisions, ...Array<number>(11).fill(UNKNOWN), ...counted)
  })
  for (const each of [...scopes, ...functions, ...definitions].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (each.name === undefined) continue
    const nameStart = byteOf(each.nameStart)
    sections.definitions.push(nameOf(each.name), nameOf(each.as), ...span(each.start, each.end), rowOf(lines, nameStart), nameStart)
    sections.definitions.push(byteOf(each.nameStart + each.name.length), inside(scopes, each), inside(functions, each))
  }
  for (const { pattern, as } of words.imports ?? [])
    for (const start of lineStarts) {
      const line = lineAt(text, start)
      const match = regexp(pattern, words).exec(line)
      const specifier = match?.groups?.['specifier']
      // A line that begins in a comment or string begins with a blank in `code`.
      if (match === null || specifier === undefined || code[start + match.index + match[0].search(/\S/)] === ' ') continue
      sections.imports.push(
        nameOf(specifier),
        nameOf(as),
        ...span(start + match.index, start + match.index + match[0].length),
        0,
        0,
        UNKNOWN,
      )
    }
  header[AT.physical] = lines.physical
  header[AT.source] = sums.source[lines.physical]!
  header[AT.comment] = sums.comment[lines.physical]!
  header[AT.blank] = sums.blank[lines.physical]!
  if (decisionsAt !== undefined) header[AT.decisions] = outside
  return writer.finish(partial ?? (valid ? null : 'encoding'))
}

const regexp = (pattern: string, words: ScannerWords) => new RegExp(pattern, words.ignore_case === true ? 'ui' : 'u')

function startsOf(code: string): number[] {
  const starts = [0]
  for (let at = code.indexOf('\n'); at !== -1; at = code.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** Long lines hold no definitions, and regular expressions are slow on them. */
const LONGEST_LINE = 1000

function lineAt(code: string, start: number): string {
  const end = code.indexOf('\n', start)
  return code.slice(start, Math.min(end === -1 ? code.length : end, start + LONGEST_LINE))
}

function find(code: string, lineStarts: readonly number[], patterns: readonly ScannerPattern[] | undefined, words: ScannerWords): Found[] {
  const found: Found[] = []
  const compiled = (patterns ?? []).map(({ pattern, as }) => ({ as, expression: regexp(pattern, words) }))
  for (const start of lineStarts) {
    const line = lineAt(code, start)
    for (const { as, expression } of compiled) {
      const match = expression.exec(line)
      if (match === null) continue
      const name = match.groups?.['name']
      const at = start + match.index + match[0].search(/\S/)
      const nameStart = name === undefined ? at : start + match.index + match[0].lastIndexOf(name)
      found.push({
        name,
        as,
        start: at,
        end: endOf(code, start, at, start + match.index + match[0].length, words.ends ?? 'line'),
        nameStart,
      })
      break
    }
  }
  return found
}

function endOf(code: string, lineStart: number, start: number, from: number, ends: NonNullable<ScannerWords['ends']>): number {
  const lineEnd = (at: number) => {
    const end = code.indexOf('\n', at)
    return end === -1 ? code.length : end
  }
  switch (ends) {
    case 'braces':
      return closing(code, start, '{', '}', ';') ?? lineEnd(from)
    case 'parentheses':
      return closing(code, start, '(', ')', undefined) ?? lineEnd(from)
    case 'full-stop': {
      const match = /\.(?=\s|$)/.exec(code.slice(from))
      return match === null ? code.length : from + match.index + 1
    }
    case 'indentation': {
      const depth = start - lineStart
      let end = lineEnd(from)
      for (let next = end + 1; next < code.length; next = lineEnd(next) + 1) {
        const line = code.slice(next, lineEnd(next))
        if (/\S/.test(line) && line.search(/\S/) <= depth) break
        if (/\S/.test(line)) end = lineEnd(next)
      }
      return end
    }
    default:
      return lineEnd(from)
  }
}

/** Behind the bracket that closes the next opening one; `undefined` where `stop` comes first or nothing closes it. */
function closing(code: string, from: number, open: string, close: string, stop: string | undefined): number | undefined {
  let depth = 0
  for (let i = from; i < code.length; i++) {
    const letter = code[i]
    if (letter === open) depth += 1
    else if (letter === close && depth > 0) {
      depth -= 1
      if (depth === 0) return i + 1
    } else if (depth === 0 && letter === stop) return i + 1
  }
  return undefined
}

function decisionsOf(code: string, words: ScannerWords): number[] {
  const escape = (word: string) => word.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
  const parts = [
    ...(words.decisions ?? []).map((word) => `(?<![\\p{L}\\p{N}_-])${escape(word)}(?![\\p{L}\\p{N}_-])`),
    ...(words.decision_tokens ?? []).map(escape),
  ]
  if (parts.length === 0) return []
  return [...code.matchAll(new RegExp(parts.join('|'), words.ignore_case === true ? 'giu' : 'gu'))].map((match) => match.index)
}
