import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { TreeReader } from '../git/index.ts'
import { SingularityError, messageOf } from '../kernel/index.ts'
import { availableLanguages, findMatches, parseSource } from '../parsing/index.ts'
import { builtInData } from './data-folder.ts'
import type { Rule, RulePack } from './rule.ts'

/** Where a repository keeps rules of its own. */
export const REPOSITORY_RULES = '.singularity/rules/'

const SCHEMA_FILE = 'rule-pack.schema.json'
/** A pack larger than this is no rule pack. */
const LARGEST_PACK = 2_000_000

/**
 * All rules of this program, in a stable order.
 * @throws RULE_INVALID
 */
export function loadBuiltInRules(dataFolder: string = builtInData()): Rule[] {
  const folder = join(dataFolder, 'rules')
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== SCHEMA_FILE)
    .sort()
  return files.flatMap((name) =>
    parsePack(readFileSync(join(folder, name), 'utf8'), `templates_data/rules/${name}`, 'built-in', dataFolder),
  )
}

/**
 * The built-in rules, then the repository's own from `.singularity/rules/*.json` of the given tree: the committed base,
 * never the working tree, so that a candidate cannot bring its own rules.
 * @throws RULE_INVALID with the file and what is wrong in it
 */
export async function loadRules(reader: TreeReader | undefined, dataFolder: string = builtInData()): Promise<Rule[]> {
  const rules = loadBuiltInRules(dataFolder)
  if (reader === undefined) return rules
  for (const entry of await reader.entries()) {
    if (!entry.path.startsWith(REPOSITORY_RULES) || !entry.path.endsWith('.json') || entry.mode === '120000' || entry.mode === '160000')
      continue
    const text = await reader.text(entry.path)
    if (text !== undefined) rules.push(...parsePack(text, entry.path, entry.path, dataFolder))
  }
  const seen = new Map<string, string>()
  for (const rule of rules) {
    const other = seen.get(rule.id)
    if (other !== undefined) throw invalid(rule.origin, `the id ${rule.id} is taken already (${other})`)
    seen.set(rule.id, rule.origin)
  }
  return rules
}

/** Reads and checks one pack. @throws RULE_INVALID */
export function parsePack(text: string, file: string, origin: string, dataFolder: string = builtInData()): Rule[] {
  if (text.length > LARGEST_PACK) throw invalid(file, 'the file is too large for a rule pack')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(file, `not JSON: ${messageOf(error)}`)
  }
  const validate = packValidator(dataFolder)
  if (!validate(value)) throw invalid(file, describe(validate.errors ?? [], value))
  const pack = value as RulePack
  return pack.rules.map((rule) => {
    const complete: Rule = { ...rule, origin }
    checkCompiles(complete, file)
    return complete
  })
}

/** ast-grep only compiles a rule when it is used: use it once on an empty text, so that a bad one is named here. */
function checkCompiles(rule: Rule, file: string): void {
  const names = new Set(
    [...JSON.stringify([rule.rule, rule.constraints ?? {}, rule.utils ?? {}]).matchAll(/\$+([A-Z][A-Z0-9_]*)/g)].map((m) => m[1]!),
  )
  for (const name of Object.keys(rule.transform ?? {})) names.add(name)
  const used =
    typeof rule.fix === 'string' ? [...rule.fix.matchAll(/\$+([A-Z][A-Z0-9_]*)/g)].map((m) => m[1]!) : rule.fix.map((part) => part.node)
  for (const name of used) if (!names.has(name)) throw invalid(file, `${rule.id}: the fix uses $${name}, which the rule never captures`)
  const twice =
    typeof rule.fix === 'string'
      ? used.find((name, i) => used.indexOf(name) !== i && rule.guards?.pure?.includes(name) !== true)
      : undefined
  if (twice !== undefined) throw invalid(file, `${rule.id}: the fix writes $${twice} twice, so that guards.pure must name it`)
  for (const language of rule.languages) {
    if (!availableLanguages().has(language)) continue
    try {
      findMatches(parseSource('', language)!.root, matcherOf(rule))
    } catch (error) {
      throw invalid(file, `${rule.id} does not compile for ${language}: ${messageOf(error).split('\n').slice(-3).join(' ')}`)
    }
  }
}

/** The part of a rule ast-grep understands. */
export function matcherOf(rule: Rule): Parameters<typeof findMatches>[1] {
  return {
    rule: rule.rule,
    ...(rule.constraints === undefined ? {} : { constraints: rule.constraints }),
    ...(rule.utils === undefined ? {} : { utils: rule.utils }),
  }
}

const validators = new Map<string, ValidateFunction>()

function packValidator(dataFolder: string): ValidateFunction {
  const known = validators.get(dataFolder)
  if (known !== undefined) return known
  const schema = JSON.parse(readFileSync(join(dataFolder, 'rules', SCHEMA_FILE), 'utf8')) as object
  const validate = new Ajv({ allErrors: true, strict: false }).compile(schema)
  validators.set(dataFolder, validate)
  return validate
}

function describe(errors: readonly ErrorObject[], value: unknown): string {
  const rules = (value as { rules?: { id?: string }[] } | null)?.rules
  const lines = errors.slice(0, 4).map((error) => {
    const index = /^\/rules\/(\d+)/.exec(error.instancePath)?.[1]
    const id = index === undefined || !Array.isArray(rules) ? undefined : rules[Number(index)]?.id
    const extra =
      error.keyword === 'additionalProperties' ? ` (${(error.params as { additionalProperty: string }).additionalProperty})` : ''
    return `${typeof id === 'string' ? `${id}: ` : ''}${error.instancePath.replace(/^\/rules\/\d+/, '') || '/'} ${error.message ?? 'is wrong'}${extra}`
  })
  return lines.join('; ')
}

function invalid(file: string, problem: string): SingularityError {
  return new SingularityError('RULE_INVALID', `${file}: ${problem}`, { data: { file } })
}
