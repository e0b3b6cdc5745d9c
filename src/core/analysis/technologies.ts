import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import picomatch from 'picomatch'
import type { Dependency } from './dependencies/dependency.ts'

/** One sign of a technology: a dependency ('npm/react', with wildcards), or a file (glob), perhaps with what has to stand in it. */
type Sign = { dependency?: string; file?: string; text?: string; weight?: number }
type TechnologyRule = { id: string; name: string; category: string; any: readonly Sign[] }

/** Where a sign was seen. */
export type TechnologyEvidence = { path: string; line: number | null; sign: string }

export type Technology = {
  id: string
  name: string
  category: string
  /** What a file pins or asks for; null where none says. */
  version: string | null
  /** 1 - the product of (1 - weight) over the signs that were seen; a sign without a weight has 0.95. */
  confidence: number
  evidence: TechnologyEvidence[]
}

const WEIGHT = 0.95
const KEPT_EVIDENCE = 5

/** The rules that ship, from templates_data/technologies. */
export function loadTechnologies(dataFolder: string): readonly TechnologyRule[] {
  const file = join(dataFolder, 'technologies', 'technologies.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { technologies: TechnologyRule[] }).technologies
}

/** What a tree is made with, sorted by category and name. Pure but for `read`, which is asked only where a rule looks into a file. */
export async function detectTechnologies(
  rules: readonly TechnologyRule[],
  tree: { paths: readonly string[]; dependencies: readonly Dependency[]; read: (path: string) => Promise<Uint8Array | undefined> },
): Promise<Technology[]> {
  const texts = new Map<string, Promise<string>>()
  const textOf = (path: string): Promise<string> => {
    const known = texts.get(path) ?? tree.read(path).then((bytes) => new TextDecoder().decode(bytes?.subarray(0, 100_000)))
    texts.set(path, known)
    return known
  }
  // what only comes along with something else is no choice of the project; where no manifest says what was chosen, everything counts
  const chosen = new Set(tree.dependencies.filter(({ direct }) => direct).map(({ purl }) => identity(purl)))
  const told = new Set([...chosen].map(ecosystemOf))
  const named = tree.dependencies
    .map((each) => ({ each, id: identity(each.purl) }))
    .filter(({ id }) => chosen.has(id) || !told.has(ecosystemOf(id)))
    .toSorted((a, b) => Number(a.each.requirement === null) - Number(b.each.requirement === null))
  const found: Technology[] = []
  for (const rule of rules) {
    const evidence: TechnologyEvidence[] = []
    let [missing, version]: [number, string | null] = [1, null]
    for (const sign of rule.any) {
      const seen = await lookFor(sign, { ...tree, named, textOf })
      if (seen.evidence.length === 0) continue
      missing *= 1 - (sign.weight ?? WEIGHT)
      version ??= seen.version
      evidence.push(...seen.evidence)
    }
    const { id, name, category } = rule
    if (evidence.length > 0)
      found.push({
        id,
        name,
        category,
        version,
        confidence: Math.round((1 - missing) * 1000) / 1000,
        evidence: evidence.slice(0, KEPT_EVIDENCE),
      })
  }
  return found.toSorted((a, b) => (a.category + a.name < b.category + b.name ? -1 : 1))
}

type Tree = {
  paths: readonly string[]
  named: readonly { each: Dependency; id: string }[]
  textOf: (path: string) => Promise<string>
}

async function lookFor(sign: Sign, { paths, named, textOf }: Tree): Promise<{ evidence: TechnologyEvidence[]; version: string | null }> {
  if (sign.dependency !== undefined) {
    const matches = picomatch(sign.dependency, { dot: true })
    const hits = named.filter(({ id }) => matches(id))
    const pinned = hits.map(({ each }) => versionOf(each.purl)).find((each) => each !== null)
    return {
      evidence: hits.map(({ each }) => ({ path: each.path, line: each.line, sign: each.purl })),
      version: pinned ?? hits[0]?.each.requirement ?? null,
    }
  }
  const matches = picomatch(sign.file ?? '', { dot: true })
  const evidence: TechnologyEvidence[] = []
  for (const path of paths) {
    if (evidence.length >= KEPT_EVIDENCE) break
    if (!matches(path)) continue
    if (sign.text === undefined) evidence.push({ path, line: null, sign: sign.file! })
    else {
      const text = await textOf(path)
      const at = new RegExp(sign.text, 'm').exec(text)?.index
      if (at !== undefined) evidence.push({ path, line: text.slice(0, at).split('\n').length, sign: sign.text })
    }
  }
  return { evidence, version: null }
}

/** 'pkg:npm/%40types/node@20' -> 'npm/@types/node' */
const identity = (purl: string): string => decodeURIComponent(purl.slice('pkg:'.length).replace(/@[^@/]*$/, ''))

const ecosystemOf = (id: string): string => id.slice(0, id.indexOf('/'))

const versionOf = (purl: string): string | null => {
  const version = /@([^@/]*)$/.exec(purl)?.[1]
  return version === undefined ? null : decodeURIComponent(version)
}
