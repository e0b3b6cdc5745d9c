import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findMatches, parseSource, spanOf, type LanguageId, type Matcher, type ParsedSource } from '../parsing/index.ts'
import { builtInData } from './data-folder.ts'
import { refusingTarget, runtimesOf, type Platform } from './platform.ts'
import type { Requires } from './rule.ts'

/** Something a language or its library gained at some version, and how to see it in a syntax tree. */
export type Feature = {
  id: string
  title: string
  /** Syntax is compiled away in TypeScript; library features are not. */
  kind: 'syntax' | 'api'
  languages: readonly LanguageId[]
  literals: readonly string[]
  rule: Matcher['rule']
  requires: Requires
}

export type Violation = {
  feature: string
  title: string
  /** 1-based line of the first new use in the new text. */
  line: number
  count: number
  /** 'needs node 16.9.0; package.json engines.node says 12.0.0' */
  detail: string
  /** False where nobody declared a version and one was assumed. */
  declared: boolean
}

const loaded = new Map<string, readonly Feature[]>()

/** The feature table of templates_data/platforms/features.json. */
export function loadFeatures(dataFolder: string = builtInData()): readonly Feature[] {
  const known = loaded.get(dataFolder)
  if (known !== undefined) return known
  const { features } = JSON.parse(readFileSync(join(dataFolder, 'platforms', 'features.json'), 'utf8')) as { features: Feature[] }
  loaded.set(dataFolder, features)
  return features
}

/**
 * Language and library features that `after` uses more often than `before` and that the declared platform lacks. Works on any change,
 * whatever made it; `before` is empty for a new file. A text that cannot be parsed here violates nothing.
 */
export function platformViolations(
  before: string,
  after: string,
  language: LanguageId,
  platform: Platform,
  dataFolder?: string,
): Violation[] {
  const runtimes = runtimesOf(language)
  const relevant: Platform = { scope: platform.scope, targets: platform.targets.filter((target) => runtimes.includes(target.runtime)) }
  const compiled = language === 'typescript' || language === 'tsx'
  let trees: { before: ParsedSource; after: ParsedSource } | undefined
  const violations: Violation[] = []
  for (const feature of loadFeatures(dataFolder)) {
    if (!feature.languages.includes(language) || (compiled && feature.kind === 'syntax')) continue
    if (feature.literals.some((literal) => !after.includes(literal))) continue
    const target = refusingTarget(relevant, feature.requires)
    if (target === undefined) continue
    if (trees === undefined) {
      const [old, next] = [parseSource(before, language), parseSource(after, language)]
      if (old === undefined || next === undefined) return []
      trees = { before: old, after: next }
    }
    const uses = findMatches(trees.after.root, { rule: feature.rule } as Matcher)
    const more = uses.length === 0 ? 0 : uses.length - findMatches(trees.before.root, { rule: feature.rule } as Matcher).length
    if (more <= 0) continue
    const needed = feature.requires[target.runtime]
    const need =
      needed === undefined
        ? Object.entries(feature.requires)
            .map(([runtime, version]) => `${runtime} ${version}`)
            .join(', ')
        : `${target.runtime} ${needed}`
    const lines = new Set(before.split('\n').map((line) => line.trim()))
    const fresh = uses.find((node) => !lines.has(after.split('\n')[spanOf(node).line - 1]?.trim() ?? '')) ?? uses[0]!
    violations.push({
      feature: feature.id,
      title: feature.title,
      line: spanOf(fresh).line,
      count: more,
      detail: `needs ${need}; ${target.origin}: ${target.version}`,
      declared: target.declared,
    })
  }
  return violations
}
