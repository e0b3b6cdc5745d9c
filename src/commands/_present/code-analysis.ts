import type { AnalyzedFile, Analysis } from '../../core/app/code-analysis.ts'
import type { FunctionMetrics, Limit } from '../../core/analysis/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

/** Rows of a list for people; everything is in --json. */
const SHOWN = 20

const UNKNOWN = '-'
const figure = (value: number | null): string => (value === null ? UNKNOWN : Number.isInteger(value) ? String(value) : value.toFixed(1))
const count = (value: number | null): string => (value === null ? UNKNOWN : value.toLocaleString('en-US'))

/** Worst functions first, then what was found, what was skipped, and totals per language. */
export function presentAnalysis(analysis: Analysis): string {
  const { files, findings, totals, base, profile } = analysis
  if (files.length === 0 && analysis.skipped.length === 0) return base === null ? 'No file is here.' : 'Nothing has changed.'
  const blocks = [functionsBlock(files), findingsBlock(findings), filesBlock(files), languagesBlock(analysis), skippedBlock(analysis)]
  const head = [
    plural(totals.files, 'file'),
    plural(totals.functions, 'function'),
    `${count(totals.lines.source)} source line${totals.lines.source === 1 ? '' : 's'}`,
    `cyclomatic ${count(totals.cyclomatic)}`,
    `cognitive ${count(totals.cognitive)}`,
    ...(profile === 'default' ? [] : [`profile ${profile}`]),
    ...(base === null ? [] : [`changed since ${base.slice(0, 10)}`]),
  ]
  return [...blocks.filter((block) => block !== ''), paint('bold', head.join(', '))].join('\n\n')
}

function functionsBlock(files: readonly AnalyzedFile[]): string {
  const all = files.flatMap((file) => file.functions.map((each) => ({ path: file.path, ...each })))
  const weight = (each: FunctionMetrics): number => Math.max(each.cyclomatic ?? 0, each.cognitive ?? 0)
  const worst = all.filter((each) => weight(each) > 1).toSorted((a, b) => weight(b) - weight(a))
  if (worst.length === 0) return ''
  const rows = worst
    .slice(0, SHOWN)
    .map((each) => [
      figure(each.cyclomatic),
      figure(each.cognitive),
      figure(each.nesting),
      String(each.line_count),
      oneLine(each.name ?? `(${each.kind})`).slice(0, 40),
      `${each.path}:${each.line_start}`,
    ])
  return `${paint('bold', 'Functions, the most complex first')}\n${headed(['cyclomatic', 'cognitive', 'nesting', 'lines', 'function', 'where'], rows, 5)}`
}

function findingsBlock(findings: Analysis['findings']): string {
  if (findings.length === 0) return ''
  const rows = findings.slice(0, SHOWN).map(({ rule, path, line, value, limit }) => [rule, figure(value), figure(limit), `${path}:${line}`])
  const more = findings.length > SHOWN ? `\n  ${findings.length - SHOWN} more: --json` : ''
  return `${paint('red', plural(findings.length, 'limit is', 'limits are'))} passed\n${headed(['figure', 'value', 'limit', 'where'], rows, 3)}${more}`
}

/** The files that are hardest to maintain. */
function filesBlock(files: readonly AnalyzedFile[]): string {
  const known = files.flatMap((file) => (file.maintainability === null ? [] : [{ ...file, index: file.maintainability.visual_studio }]))
  if (known.length < 2) return ''
  const rows = known
    .toSorted((a, b) => a.index - b.index)
    .slice(0, 5)
    .map((file) => [figure(file.index), figure(file.cyclomatic), figure(file.cognitive), count(file.lines.source), file.path])
  return `${paint('bold', 'Files, the hardest to maintain first')}\n${headed(['index', 'cyclomatic', 'cognitive', 'source', 'file'], rows, 4)}`
}

function languagesBlock({ totals }: Analysis): string {
  const rows = totals.languages.map(({ language, files, functions, lines }) => [
    language,
    count(files),
    count(functions),
    count(lines.source),
    count(lines.comment),
    count(lines.blank),
  ])
  return rows.length === 0 ? '' : headed(['language', 'files', 'functions', 'source', 'comment', 'blank'], rows, 0)
}

function skippedBlock({ skipped, files }: Analysis): string {
  const reasons = new Map<string, string[]>()
  const add = (reason: string, path: string): void => void reasons.set(reason, [...(reasons.get(reason) ?? []), path])
  for (const { path, reason } of skipped) add(`skipped, ${reason}`, path)
  for (const { path, partial, tier } of files) if (partial !== null) add(`read in part (tier ${tier}), ${partial}`, path)
  return [...reasons]
    .map(([reason, paths]) => {
      const shown = paths.slice(0, 3).map((path) => oneLine(path))
      return paint('dim', `${paths.length} ${reason}: ${shown.join(', ')}${paths.length > 3 ? ', …' : ''}`)
    })
    .join('\n')
}

const NUMBER = /^[\d,.-]+$/

/** A table with a first line of names; figures stand right. */
export function headed(names: readonly string[], rows: readonly (readonly string[])[], grow: number): string {
  const all = [names, ...rows]
  const widths = names.map((_name, column) => Math.max(...all.map((row) => row[column]!.length)))
  const numeric = names.map((_name, column) => rows.every((row) => NUMBER.test(row[column]!)))
  const aligned = all.map((row) => row.map((cell, column) => (numeric[column] ? cell.padStart(widths[column]!) : cell)))
  return table(aligned, { grow, paint: (row, _column, text) => (row === 0 ? paint('dim', text) : text) })
}

/** GitHub's workflow commands: one line per finding, shown at its place in the change. */
export function presentAnnotations({ findings }: Analysis): string[] {
  const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
  return findings.map(
    (each) => `::warning file=${property(each.path)},line=${each.line},title=${property(each.rule)}::${data(sentence(each))}`,
  )
}

const sentence = ({ rule, value, limit }: Analysis['findings'][number]): string =>
  `${rule} is ${figure(value)}, the limit is ${figure(limit)}.`

/** SARIF 2.1.0 with one rule per limit. */
export function sarifOf({ findings }: Analysis, limits: readonly Limit[], version: string): unknown {
  const rules = [...new Set(limits.map(({ rule }) => rule))]
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'singularity', version, rules: rules.map((id) => ({ id, shortDescription: { text: `Limit of ${id}` } })) },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((each) => ({
          ruleId: each.rule,
          ruleIndex: rules.indexOf(each.rule),
          level: 'warning',
          message: { text: sentence(each) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: each.path.split('/').map(encodeURIComponent).join('/'), uriBaseId: '%SRCROOT%' },
                region: { startLine: each.line },
              },
            },
          ],
          properties: { value: each.value, limit: each.limit },
        })),
      },
    ],
  }
}
