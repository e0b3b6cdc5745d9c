import type { TreeReader } from '../git/index.ts'
import { createByteOffsets, decodeSource, languageOf, parseSource, type LanguageId, type ParsedSource } from '../parsing/index.ts'
import { declaredPlatform } from './declared.ts'
import type { TextEdit } from './edits.ts'
import { LARGEST_FILE, isGenerated, isMinified, isVendored, readAttributes } from './files.ts'
import { hasLiterals } from './match.ts'
import { packageFinder } from './packages.ts'
import { refusingTarget, runtimesOf, type Platform } from './platform.ts'
import { rewrite, type RewriteFailure } from './rewrite.ts'
import type { Rule } from './rule.ts'
import { platformViolations } from './violations.ts'

/** A site as byte ranges of the base blob. */
export type RuleSite = { file: string; line: number; edits: { start: number; end: number; text: string }[] }

/** Everything one rule found in one package. */
export type RuleFindings = { rule: Rule; scope: string; sites: RuleSite[]; blobs: Record<string, string> }

export type ScanOptions = {
  reader: TreeReader
  rules: readonly Rule[]
  /** Only these paths and what lies below them; everything when empty. */
  paths: readonly string[]
  isProtected(path: string): boolean
  /** Also what the declared platform refuses, for tables about the rules themselves. */
  ignorePlatform?: boolean
  signal?: AbortSignal
  onFile?: (path: string) => void
  /** A rewritten file, for tables and checks. */
  onRewrite?: (rule: Rule, path: string, before: string, after: string) => void
}

export type ScanReport = {
  findings: RuleFindings[]
  files: number
  bytes: number
  /** Files left alone, by reason. */
  skipped: Record<'generated' | 'vendored' | 'minified' | 'too-large' | 'not-text' | RewriteFailure, number>
  /** Rules that found something the declared platform does not allow them to change, with the reason. */
  refused: Map<string, string>
  /** Files of languages whose grammar is not here, which rules could not look at. */
  unread: Map<LanguageId, number>
}

/** Runs rules over the files of a tree; answers what they found, per rule and package, in the order of rules and paths. */
export async function scanRules(options: ScanOptions): Promise<ScanReport> {
  const { reader, rules } = options
  const report: ScanReport = {
    findings: [],
    files: 0,
    bytes: 0,
    refused: new Map(),
    unread: new Map(),
    skipped: {
      generated: 0,
      vendored: 0,
      minified: 0,
      'too-large': 0,
      'not-text': 0,
      'no-grammar': 0,
      'does-not-parse': 0,
      'breaks-syntax': 0,
      'never-settles': 0,
    },
  }
  const [marked, packageOf] = await Promise.all([readAttributes(reader), packageFinder(reader)])
  const platforms = new Map<string, Promise<Platform>>()
  const platformOf = (scope: string): Promise<Platform> => {
    const known = platforms.get(scope) ?? declaredPlatform(reader, scope)
    platforms.set(scope, known)
    return known
  }
  const found = new Map<string, RuleFindings>()
  for (const entry of [...(await reader.entries())].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    options.signal?.throwIfAborted()
    const language = languageOf(entry.path)
    if (language === undefined || entry.mode === '120000' || entry.mode === '160000' || entry.path.endsWith('.d.ts')) continue
    if (!isWanted(entry.path, options.paths) || options.isProtected(entry.path)) continue
    if (isVendored(entry.path) || marked(entry.path)) {
      report.skipped.vendored++
      continue
    }
    const text = await readCandidate(reader, entry.path, entry.size, report)
    if (text === undefined) continue
    options.onFile?.(entry.path)
    const scope = packageOf(entry.path, language)
    for (const { rule, edits } of await findInFile(options, report, {
      path: entry.path,
      text,
      language,
      platform: await platformOf(scope),
    })) {
      const key = `${rule.id}\0${scope}`
      const findings = found.get(key) ?? { rule, scope, sites: [], blobs: {} }
      findings.sites.push(...toSites(entry.path, text, edits))
      findings.blobs[entry.path] = entry.oid
      found.set(key, findings)
    }
  }
  report.findings = [...found.values()].sort((a, b) => rules.indexOf(a.rule) - rules.indexOf(b.rule) || (a.scope < b.scope ? -1 : 1))
  return report
}

async function readCandidate(reader: TreeReader, path: string, size: number | null, report: ScanReport): Promise<string | undefined> {
  const skip = (reason: keyof ScanReport['skipped']): undefined => {
    report.skipped[reason]++
  }
  if (size !== null && size > LARGEST_FILE) return skip('too-large')
  const bytes = await reader.read(path)
  if (bytes === undefined) return undefined
  if (bytes.length > LARGEST_FILE) return skip('too-large')
  const text = decodeSource(bytes)
  if (text === undefined) return skip('not-text')
  if (isGenerated(path, text.slice(0, 2_000))) return skip('generated')
  if (isMinified(text)) return skip('minified')
  report.files++
  report.bytes += bytes.length
  return text
}

type File = { path: string; text: string; language: LanguageId; platform: Platform }

async function findInFile(options: ScanOptions, report: ScanReport, file: File): Promise<{ rule: Rule; edits: readonly TextEdit[] }[]> {
  const { path, text, language, platform } = file
  const runtimes = runtimesOf(language)
  const relevant = { scope: platform.scope, targets: platform.targets.filter((target) => runtimes.includes(target.runtime)) }
  let parsed: ParsedSource | undefined
  const hits: { rule: Rule; edits: readonly TextEdit[] }[] = []
  for (const rule of options.rules) {
    if (!rule.languages.includes(language) || !hasLiterals(rule, text)) continue
    parsed ??= parseSource(text, language)
    if (parsed === undefined) {
      report.skipped['no-grammar']++
      report.unread.set(language, (report.unread.get(language) ?? 0) + 1)
      break
    }
    const result = rewrite(rule, text, language, parsed)
    if (typeof result === 'string') {
      report.skipped[result]++
      continue
    }
    if (result.edits.length === 0) continue
    const refusing = options.ignorePlatform === true ? undefined : refusingTarget(relevant, rule.requires)
    if (refusing !== undefined) {
      report.refused.set(rule.id, `${refusing.origin}: ${refusing.runtime} ${refusing.version}`)
      continue
    }
    // The rule's own word is not enough: what it wrote is checked against the feature table like anybody's change.
    const violation = options.ignorePlatform === true ? undefined : platformViolations(text, result.text, language, relevant)[0]
    if (violation !== undefined) {
      report.refused.set(rule.id, `${violation.title} ${violation.detail}`)
      continue
    }
    options.onRewrite?.(rule, path, text, result.text)
    hits.push({ rule, edits: result.edits })
  }
  return hits
}

function toSites(file: string, text: string, edits: readonly TextEdit[]): RuleSite[] {
  const toBytes = createByteOffsets(text)
  const sites = new Map<number, RuleSite>()
  let line = 1
  let position = 0
  for (const edit of edits) {
    for (; position < edit.start; position++) if (text[position] === '\n') line++
    const site = sites.get(edit.group) ?? { file, line, edits: [] }
    site.edits.push({ start: toBytes(edit.start), end: toBytes(edit.end), text: edit.text })
    sites.set(edit.group, site)
  }
  return [...sites.values()]
}

function isWanted(path: string, paths: readonly string[]): boolean {
  return (
    paths.length === 0 ||
    paths.some((wanted) => wanted === '' || wanted === '.' || path === wanted || path.startsWith(`${wanted.replace(/\/+$/, '')}/`))
  )
}
