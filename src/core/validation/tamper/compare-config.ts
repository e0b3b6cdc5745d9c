import picomatch from 'picomatch'
import files from '../../../../templates_data/tests/files.json' with { type: 'json' }
import type { Weakening } from '../evidence.ts'
import type { ConfigKind } from './paths.ts'

const RUNNERS = new RegExp(files.runners)
const FLAGS = files.flags.map((flag) => ({ ...flag, pattern: new RegExp(flag.pattern, 'g') }))
const TEST_SCRIPT = /^(?:pre|post)?(?:test|check|ci|verify|cover|spec|unit|e2e)/i
/** Sections of a package.json that steer a test runner. */
export const RUNNER_SECTIONS = ['jest', 'vitest', 'mocha', 'ava', 'tap', 'nyc', 'c8'] as const

export type ConfigComparison = { weakened: Weakening[]; touched: boolean }

/** Compares one file of runner configuration. `testFiles` are the base's test files: an exclusion that meets one of them is proven. */
export function compareConfig(
  path: string,
  config: ConfigKind,
  base: string | undefined,
  candidate: string | undefined,
  testFiles: readonly string[],
): ConfigComparison {
  const before = relevant(config, base ?? '')
  const after = relevant(config, candidate ?? '')
  if (before === after) return { weakened: [], touched: false }
  const out: Weakening[] = []
  const add = (kind: Weakening['kind'], detail: string, proven: boolean): void => {
    out.push({ file: path, line: lineOf(candidate ?? '', detail), kind, detail, proven })
  }
  flags(before, after, config, add)
  if (config.read === 'package') scripts(before, after, add)
  if (config.read !== 'shell' && config.read !== 'flags') {
    exclusions(before, after, path, testFiles, add)
    thresholds(before, after, candidate !== undefined, add)
  }
  if (out.length === 0 && config.read !== 'flags')
    add('unclassified', candidate === undefined ? 'the runner configuration is gone' : 'the runner configuration changed', false)
  return { weakened: out, touched: out.length > 0 || config.read !== 'flags' }
}

type Add = (kind: Weakening['kind'], detail: string, proven: boolean) => void

/** The part of a file that steers the runner, without comments. */
function relevant(config: ConfigKind, text: string): string {
  if (config.read === 'package') return packagePart(text)
  const bare = text.replace(/\r\n/g, '\n')
  if (config.read === 'sections') return sections(bare, new RegExp(config.sections ?? ''))
  if (config.read === 'code')
    return config.name === 'conftest'
      ? bare.replace(/(^|\s)#.*$/gm, '$1')
      : bare
          .replace(/^\s*\/\/.*$/gm, '')
          .replace(/\/\*[\s\S]*?\*\//g, (comment) => (comment.includes('*/') && /\*\*?\//.test(comment.slice(2, -2)) ? comment : ''))
  if (config.read === 'shell') return shellPart(bare)
  return bare.replace(/^\s*#.*$/gm, '')
}

function packagePart(text: string): string {
  try {
    const data = JSON.parse(text === '' ? '{}' : text) as { scripts?: Record<string, unknown>; [key: string]: unknown }
    const kept = Object.entries(data.scripts ?? {}).filter(([name, value]) => TEST_SCRIPT.test(name) || RUNNERS.test(String(value)))
    const settings = Object.fromEntries(RUNNER_SECTIONS.filter((name) => typeof data[name] === 'object').map((name) => [name, data[name]]))
    return JSON.stringify({ scripts: Object.fromEntries(kept), ...settings }, null, 1)
  } catch {
    return text
  }
}

function sections(text: string, names: RegExp): string {
  let on = false
  return text
    .split('\n')
    .filter((line) => {
      const head = /^\s*\[+\s*"?([^\]]+?)"?\s*\]+\s*(?:#.*)?$/.exec(line)
      if (head !== null) on = names.test(head[1]!) || (line.includes('[[') && names.test(`[${head[1]!}]`))
      return (
        on &&
        line.trim() !== '' &&
        !/^\s*[#;]/.test(line) &&
        (names.source.includes('pytest') || head !== null || /^\s*(?:autotests|test|harness|doctest|retries|fail-fast)\s*=/.test(line))
      )
    })
    .join('\n')
}

/** Lines of a script or workflow that run tests, with the lines of the same step. */
function shellPart(text: string): string {
  const lines = text.split('\n')
  const kept = new Set<number>()
  for (const [at, line] of lines.entries()) {
    if (!RUNNERS.test(line) || /^\s*#/.test(line)) continue
    kept.add(at)
    const starts = (i: number): boolean => /^\s*- /.test(lines[i] ?? '') || /^\S/.test(lines[i] ?? '')
    for (let i = at; i >= 0 && at - i < 15; i--) {
      kept.add(i)
      if (starts(i)) break
    }
    for (let i = at + 1; i < lines.length && i - at < 15 && !starts(i); i++) kept.add(i)
  }
  return lines.filter((line, at) => kept.has(at) && line.trim() !== '' && !/^\s*#/.test(line)).join('\n')
}

function flags(before: string, after: string, config: ConfigKind, add: Add): void {
  const old = linesOf(before)
  const fresh = linesOf(after).filter((line) => !old.includes(line))
  for (const flag of FLAGS) {
    const count = (text: string): number => [...text.matchAll(flag.pattern)].length
    if (count(after) <= count(before)) continue
    const line = fresh.find((item) => count(`\n${item}\n`) > 0) ?? ''
    // A workflow has steps of many kinds; a step without a runner was left out before.
    const runs = flag.needs_runner !== true || config.read !== 'shell' || RUNNERS.test(after)
    add(flag.kind as Weakening['kind'], `added: ${line.trim().slice(0, 160)}`, runs)
  }
}

function linesOf(text: string): string[] {
  return text.split('\n')
}

function scripts(before: string, after: string, add: Add): void {
  const old = scriptsOf(before)
  const next = scriptsOf(after)
  for (const [name, command] of Object.entries(old)) {
    const now = next[name]
    if (now === command || !RUNNERS.test(command)) continue
    if (now !== undefined && /^(?:echo\b.*|true|:|exit 0|node -e .*)$/.test(now.trim()))
      add('exit_zero_wrapper', `scripts.${name} runs no tests any more: ${now.slice(0, 120)}`, true)
  }
}

function scriptsOf(text: string): Record<string, string> {
  try {
    return (JSON.parse(text) as { scripts?: Record<string, string> }).scripts ?? {}
  } catch {
    return {}
  }
}

const KEYS = (keys: readonly string[]): RegExp =>
  new RegExp(`['"]?\\b(${keys.join('|')})['"]?\\s*[:=]\\s*(\\[[^\\]]*\\]|['"][^'"]*['"]|[^\\n,]+)`, 'g')
const EXCLUDES = KEYS(files.exclusion_keys)
const INCLUDES = KEYS(files.inclusion_keys)

function exclusions(before: string, after: string, path: string, testFiles: readonly string[], add: Add): void {
  const [oldOut, newOut] = [valuesOf(before, EXCLUDES), valuesOf(after, EXCLUDES)]
  for (const value of newOut.filter((item) => !oldOut.includes(item))) {
    const hit = testFiles.find((file) => meets(value, file, path))
    if (hit !== undefined) add('runner_exclusion', `excludes ${hit}: ${value}`, true)
    else add('unclassified', `a new exclusion: ${value}`, false)
  }
  const [oldIn, newIn] = [valuesOf(before, INCLUDES), valuesOf(after, INCLUDES)]
  for (const value of oldIn.filter((item) => !newIn.includes(item))) add('runner_exclusion', `no longer includes ${value}`, false)
}

/** Values of these keys outside of coverage blocks, which say what is measured, not what is run. */
function valuesOf(text: string, keys: RegExp): string[] {
  const values: string[] = []
  for (const match of text.matchAll(keys)) {
    if (insideCoverage(text, match.index)) continue
    const strings = [...match[2]!.matchAll(/['"`]([^'"`]+)['"`]|(\/[^/\n]+\/)/g)].map((item) => item[1] ?? item[2]!)
    values.push(...(strings.length > 0 ? strings : [match[2]!.trim()]))
  }
  return values
}

function insideCoverage(text: string, at: number): boolean {
  const head = text.slice(0, at)
  const open = head.search(/['"]?coverage['"]?\s*:\s*\{(?![\s\S]*['"]?coverage['"]?\s*:\s*\{)/)
  if (open < 0) return /\[(?:tool\.)?coverage[^\]]*\][^[]*$/.test(head)
  const between = head.slice(open)
  return between.split('{').length > between.split('}').length
}

function meets(value: string, file: string, configPath: string): boolean {
  const folder = configPath.includes('/') ? configPath.slice(0, configPath.lastIndexOf('/') + 1) : ''
  const local = file.startsWith(folder) ? file.slice(folder.length) : file
  try {
    if (picomatch.isMatch(local, value.replace(/^\.\//, ''), { dot: true })) return true
  } catch {
    return false
  }
  if (/[*?{}]/.test(value)) return false
  try {
    return new RegExp(value.replaceAll('<rootDir>', '').replace(/^\/(.*)\/$/, '$1')).test(`/${local}`)
  } catch {
    return false
  }
}

const THRESHOLD = new RegExp(`['"]?\\b(${files.thresholds.join('|')})['"]?\\s*(?:[:=]|\\s)\\s*['"]?(-?\\d+(?:\\.\\d+)?)`, 'g')

function thresholds(before: string, after: string, exists: boolean, add: Add): void {
  const next = limitsOf(after)
  for (const [name, values] of limitsOf(before)) {
    const now = next.get(name)
    if (now === undefined) {
      add(exists ? 'coverage_limit_lowered' : 'unclassified', `the limit ${name} ${values.join(', ')} is gone`, false)
      continue
    }
    for (const [at, value] of values.entries()) {
      const other = now[at]
      if (other !== undefined && other < value) add('coverage_limit_lowered', `${name} ${value} -> ${other}`, true)
    }
  }
}

function limitsOf(text: string): Map<string, number[]> {
  const limits = new Map<string, number[]>()
  for (const match of text.matchAll(THRESHOLD)) limits.set(match[1]!, [...(limits.get(match[1]!) ?? []), Number(match[2])])
  return limits
}

function lineOf(text: string, detail: string): number | null {
  const needle = detail.slice(detail.indexOf(': ') + 2).trim()
  const at = needle === '' ? -1 : text.indexOf(needle)
  return at < 0 ? null : text.slice(0, at).split('\n').length
}
