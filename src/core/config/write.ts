import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import { editSettings } from './edit.ts'
import { SETTINGS, type Setting, type SettingName, type SettingValue } from './schema.ts'
import { loadSettings } from './settings.ts'

export type SettingChange = { name: SettingName; value: SettingValue; file: string; scope: 'user' | 'repository'; userFile: string }

/**
 * Writes one setting to a file. What a repository's file may not hold is refused here already: it would be ignored
 * when read. The file is replaced at once, so that nobody reads half of it.
 * @throws CONFIG_INVALID
 */
export function writeSetting({ name, value, file, scope, userFile }: SettingChange): void {
  const setting: Setting = SETTINGS[name]
  if (scope === 'repository' && setting.repository === 'never')
    throw new SingularityError(
      'CONFIG_INVALID',
      `${name} may not be set by a repository: only by your own file, the environment or a flag.`,
      {
        hints: [`singularity config set ${name} ${JSON.stringify(value)}`],
      },
    )
  if (scope === 'repository' && setting.repository === 'narrow') {
    const current = loadSettings({ flags: {}, env: {}, repositoryFile: null, userFile }).get(name)
    if (setting.narrow!(value, current) === undefined)
      throw new SingularityError('CONFIG_INVALID', `A repository may only make ${name} stricter than ${JSON.stringify(current)}.`, {
        hints: [],
      })
  }
  const limit = scope === 'repository' && setting.within !== undefined ? (setting.within as SettingName) : undefined
  if (limit && Number(value) > Number(loadSettings({ flags: {}, env: {}, repositoryFile: file, userFile }).get(limit)))
    throw new SingularityError('CONFIG_INVALID', `A repository may not set ${name} to more than ${limit}.`, {
      hints: [`singularity config get ${limit}`],
    })
  const text = editSettings(readText(file), name, value)
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, text)
  renameSync(temporary, file)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return ''
    throw new SingularityError('CONFIG_INVALID', `${path} cannot be read.`, { cause: error })
  }
}
