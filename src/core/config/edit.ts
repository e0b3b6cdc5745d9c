import { applyEdits, findNodeAtLocation, modify, parseTree } from 'jsonc-parser'
import { SingularityError } from '../kernel/index.ts'
import { SETTINGS, type Setting, type SettingName, type SettingValue, readValue } from './schema.ts'

const FORMAT = { formattingOptions: { insertSpaces: true, tabSize: 2, eol: '\n' } }

/** The name of a setting, as it was typed. @throws USAGE */
export function settingName(name: string): SettingName {
  if (Object.hasOwn(SETTINGS, name)) return name as SettingName
  throw new SingularityError('USAGE', `There is no setting ${name}.`, { hints: ['singularity config list'] })
}

/** Reads a value as it was typed: JSON for lists and maps, else as in the environment. @throws CONFIG_INVALID */
export function parseSetting(name: SettingName, text: string): SettingValue {
  const setting: Setting = SETTINGS[name]
  const structured = (setting.kind === 'list' || setting.kind === 'map') && /^\s*[[{]/.test(text)
  const value = readValue(setting, structured ? parsed(text) : text === 'null' ? null : text)
  if (value !== undefined) return value
  const wanted = setting.choices ? `one of ${setting.choices.join(', ')}` : `a ${setting.kind}`
  throw new SingularityError('CONFIG_INVALID', `${name} must be ${wanted}, not ${JSON.stringify(text)}.`, {
    hints: ['singularity config list'],
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/**
 * Sets one value in the text of a settings file and keeps everything else, comments included. A setting that is already
 * written nested ({"plan": {"test": ...}}) stays nested; a new one is written by its full name.
 */
export function editSettings(text: string, name: SettingName, value: SettingValue): string {
  const source = text.trim() === '' ? '{}\n' : text
  const edited = applyEdits(source, modify(source, pathOf(source, name), value, FORMAT))
  return edited.endsWith('\n') ? edited : `${edited}\n`
}

/** Whether the text of a settings file already has this setting. */
export function hasSetting(text: string, name: SettingName): boolean {
  const tree = parseTree(text)
  return tree !== undefined && [[name], nested(name)].some((path) => findNodeAtLocation(tree, path) !== undefined)
}

function pathOf(text: string, name: SettingName): string[] {
  const tree = parseTree(text)
  const isNested =
    tree !== undefined && findNodeAtLocation(tree, [name]) === undefined && findNodeAtLocation(tree, nested(name)) !== undefined
  return isNested ? nested(name) : [name]
}

function nested(name: SettingName): string[] {
  const dot = name.indexOf('.')
  return dot === -1 ? [name] : [name.slice(0, dot), name.slice(dot + 1)]
}
