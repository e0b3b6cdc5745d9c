import { readFileSync } from 'node:fs'
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import { SingularityError } from '../kernel/index.ts'
import { SETTINGS, type Setting, type SettingName, type SettingValue, environmentName, readValue } from './schema.ts'

export type Origin = 'flag' | 'environment' | 'repository' | 'user' | 'default'
export type ResolvedSetting = { name: SettingName; value: SettingValue; origin: Origin; source: string }

export type SettingsSources = {
  flags: Readonly<Partial<Record<SettingName, SettingValue>>>
  env: Readonly<Record<string, string | undefined>>
  /** `.singularity/config.json` of the working tree; null outside a repository. */
  repositoryFile: string | null
  userFile: string
}

export type Settings = {
  get<T extends SettingValue>(name: SettingName): T
  list(): readonly ResolvedSetting[]
  /** Values of the repository's file that were refused because a clone may not widen what the user allows. */
  refused: readonly { name: string; reason: string }[]
}

/**
 * Flags > environment > repository file > user file > defaults. A repository's file may be hostile (it comes with a
 * clone): what it may not set, or may only narrow, is refused and told.
 * @throws CONFIG_INVALID naming file, key and what would be valid
 */
export function loadSettings(sources: SettingsSources): Settings {
  const user = readFile(sources.userFile)
  const repository = sources.repositoryFile === null ? {} : readFile(sources.repositoryFile, SECTIONS)
  const refused: { name: string; reason: string }[] = []
  const resolved = new Map<string, ResolvedSetting>()
  for (const [name, setting] of Object.entries(SETTINGS) as [SettingName, Setting][]) {
    const below = layer(name, setting, user[name], 'user', sources.userFile) ?? {
      name,
      value: setting.default,
      origin: 'default' as const,
      source: 'default',
    }
    const own = sources.repositoryFile === null ? undefined : layer(name, setting, repository[name], 'repository', sources.repositoryFile)
    const allowed = own && allow(setting, own.value, below.value)
    if (typeof allowed === 'string') refused.push({ name, reason: allowed })
    const variable = [environmentName(name), setting.env].find((key) => key !== undefined && sources.env[key] !== undefined)
    const userOnly = setting.userFileOnly === true && variable !== undefined
    if (userOnly) refused.push({ name, reason: `only your own file may set it, not ${variable}` })
    const fromEnvironment = !userOnly && variable && layer(name, setting, sources.env[variable], 'environment', variable)
    const fromFlag = layer(name, setting, sources.flags[name], 'flag', 'command line')
    resolved.set(
      name,
      fromFlag ?? (fromEnvironment || undefined) ?? (own && typeof allowed === 'object' ? { ...own, value: allowed.value } : below),
    )
  }
  for (const [name, { within }] of Object.entries(SETTINGS) as [SettingName, Setting][]) {
    const limit = within === undefined ? undefined : resolved.get(within as SettingName)
    if (!limit || resolved.get(name)!.origin !== 'repository' || Number(resolved.get(name)!.value) <= Number(limit.value)) continue
    refused.push({ name, reason: `a repository may not set more than ${limit.name}` })
    resolved.set(name, { ...limit, name })
  }
  return {
    get: <T extends SettingValue>(name: SettingName) => resolved.get(name)!.value as T,
    list: () => [...resolved.values()],
    refused,
  }
}

/** What counts of a repository's value, or why it is refused. */
function allow(setting: Setting, next: SettingValue, current: SettingValue): { value: SettingValue } | string {
  if (setting.repository === 'never') return `only your own file${setting.userFileOnly ? '' : ', the environment or a flag'} may set it`
  if (setting.repository === 'set') return { value: next }
  const value = setting.narrow!(next, current)
  return value === undefined ? 'a repository may only make it stricter' : { value }
}

function layer(name: SettingName, setting: Setting, raw: unknown, origin: Origin, source: string): ResolvedSetting | undefined {
  if (raw === undefined) return undefined
  const value = readValue(setting, raw)
  if (value === undefined) {
    const wanted = setting.choices ? `one of ${setting.choices.join(', ')}` : `a ${setting.kind}`
    throw new SingularityError('CONFIG_INVALID', `${source}: ${name} must be ${wanted}, not ${JSON.stringify(raw)}.`, {
      data: { name, source },
    })
  }
  return { name, value, origin, source }
}

/**
 * A settings file: one JSON object, comments and trailing commas allowed. A file that is not there holds nothing.
 * @throws CONFIG_INVALID naming file and line
 */
export function readSettingsFile(path: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT' || (error as { code?: string }).code === 'ENOTDIR') return {}
    throw new SingularityError('CONFIG_INVALID', `${path} cannot be read.`, { cause: error })
  }
  const errors: ParseError[] = []
  const value = parse(text, errors, { allowTrailingComma: true }) as unknown
  if (errors[0]) {
    const line = text.slice(0, errors[0].offset).split('\n').length
    throw new SingularityError('CONFIG_INVALID', `${path}:${line} is not JSON: ${printParseErrorCode(errors[0].error)}.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SingularityError('CONFIG_INVALID', `${path} must hold one JSON object.`)
  // a copy: the parser lets a key `__proto__` become the prototype of its object
  return structuredClone(value) as Record<string, unknown>
}

/** Parts of a repository's file that belong to other rooms; these check them themselves. */
const SECTIONS: readonly string[] = ['llm']

/** Keys may be nested ({"plan": {"test": ...}}) or dotted. */
function readFile(path: string, sections: readonly string[] = []): Record<string, unknown> {
  const flat: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(readSettingsFile(path))) {
    if (Object.hasOwn(SETTINGS, key)) flat[key] = item
    else if (sections.includes(key)) continue
    else if (typeof item === 'object' && item !== null && !Array.isArray(item))
      for (const [inner, nested] of Object.entries(item)) flat[`${key}.${inner}`] = nested
    else flat[key] = item
  }
  const unknown = Object.keys(flat).find((key) => !Object.hasOwn(SETTINGS, key))
  if (unknown !== undefined)
    throw new SingularityError('CONFIG_INVALID', `${path}: there is no setting ${unknown}.`, { hints: ['singularity config list'] })
  return flat
}
