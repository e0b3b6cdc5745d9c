import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, parseJson } from '../kernel/index.ts'
import { globOf } from './glob.ts'

/** Beside the index, not in it: what was asked for outlives every generation. */
const FILE = 'index-include.json'

/** Globs that `index --include` keeps for this repository. */
export function readKept(folder: string): string[] {
  try {
    const value = parseJson(readFileSync(join(folder, FILE), 'utf8'))
    return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []
  } catch {
    return []
  }
}

/** From now on these are searched although they are generated, vendored or huge; none: as before. */
export function keepIncluded(folder: string, globs: readonly string[]): void {
  const kept = globs.filter((glob) => glob.trim() !== '')
  if (kept.length === 0) return rmSync(join(folder, FILE), { force: true })
  makeFolder(folder)
  const temporary = join(folder, `${FILE}.${process.pid}`)
  writeFileSync(temporary, `${JSON.stringify(kept)}\n`, { mode: 0o600 })
  renameSync(temporary, join(folder, FILE))
}

export function createIncluded(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map(globOf)
  return matchers.length === 0 ? () => false : (path) => matchers.some((matches) => matches(path))
}
