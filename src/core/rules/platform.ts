import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { familyOf, type LanguageId } from '../parsing/index.ts'
import { builtInData } from './data-folder.ts'
import type { Requires, Runtime } from './rule.ts'

/** One runtime a package promises to work on, and where it says so. */
export type Target = {
  runtime: Runtime
  /** Lowest version: '16.9.0', '3.8', '1.21'; a year for `ecma`. */
  version: string
  /** 'package.json engines.node', or 'assumed: …' where nothing is declared. */
  origin: string
  declared: boolean
}

export type Platform = { scope: string; targets: readonly Target[] }

export type RuntimeData = {
  defaults: Record<Runtime, { version: string; why: string }>
  rustEditions: Record<string, string>
  ecmaOfNode: [node: string, year: string][]
  browserslist: { queries: [pattern: string, year: string][]; browsers: Record<string, [from: string, year: string][]>; unknown: string }
}

const loaded = new Map<string, RuntimeData>()

/** What versions mean, from templates_data/platforms/runtimes.json. */
export function runtimeData(dataFolder: string = builtInData()): RuntimeData {
  const known = loaded.get(dataFolder)
  if (known !== undefined) return known
  const data = JSON.parse(readFileSync(join(dataFolder, 'platforms', 'runtimes.json'), 'utf8')) as RuntimeData
  loaded.set(dataFolder, data)
  return data
}

/** Compares dotted versions by number; missing parts are 0. Negative where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = Number.parseInt(left[i] ?? '0', 10) - Number.parseInt(right[i] ?? '0', 10)
    if (difference !== 0 && !Number.isNaN(difference)) return difference
  }
  return 0
}

export function oldest(versions: readonly string[]): string | undefined {
  return versions.length === 0 ? undefined : versions.reduce((a, b) => (compareVersions(a, b) <= 0 ? a : b))
}

/** The ECMAScript year a Node.js version carries. */
export function ecmaOfNode(version: string, data: RuntimeData = runtimeData()): string {
  return data.ecmaOfNode.filter(([from]) => compareVersions(from, version) <= 0).at(-1)?.[1] ?? '2009'
}

/**
 * The first target of the platform on which something with these requirements does not work; `undefined` where it works on all.
 * What needs a Node.js version and names no ECMAScript year does not exist in browsers.
 */
export function refusingTarget(platform: Platform, requires: Requires): Target | undefined {
  return platform.targets.find((target) => {
    const needed = requires[target.runtime]
    if (needed !== undefined) return compareVersions(target.version, needed) < 0
    if (target.runtime === 'ecma') return requires.node !== undefined
    if (target.runtime === 'node' && requires.ecma !== undefined) return compareVersions(ecmaOfNode(target.version), requires.ecma) < 0
    return false
  })
}

export function platformAllows(platform: Platform, requires: Requires): boolean {
  return refusingTarget(platform, requires) === undefined
}

/** The runtimes that execute a language. */
export function runtimesOf(language: LanguageId): readonly Runtime[] {
  const family = familyOf(language)
  if (family === 'javascript') return ['node', 'ecma']
  return family === 'html' || family === 'css' ? [] : [family]
}
