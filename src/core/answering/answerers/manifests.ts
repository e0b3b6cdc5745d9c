import { parse as parseToml } from 'smol-toml'
import { parseJson } from '../../kernel/index.ts'
import type { RepositoryFacts } from '../answerer.ts'

export type Found<T> = { path: string; data: T }
type Data = Readonly<Record<string, unknown>>

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The nearest file of these names from the user's folder upward. */
export async function nearest(
  { reader, prefix }: RepositoryFacts,
  names: readonly string[],
): Promise<{ path: string; text: string } | undefined> {
  for (let folder = prefix; ; folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '') {
    for (const name of names) {
      const path = folder === '' ? name : `${folder}/${name}`
      const text = await reader.text(path)
      if (text !== undefined) return { path, text }
    }
    if (folder === '') return undefined
  }
}

/** A manifest that parses to an object; undefined where there is none or it is broken. */
export async function nearestData(facts: RepositoryFacts, name: string): Promise<Found<Data> | undefined> {
  const found = await nearest(facts, [name])
  const data = found && parseData(name, found.text)
  return found && data && { path: found.path, data }
}

export function parseData(name: string, text: string): Data | undefined {
  if (!name.endsWith('.toml') && !name.endsWith('.lock')) {
    const value = parseJson(text)
    return typeof value === 'object' && value !== null ? (value as Data) : undefined
  }
  try {
    return parseToml(text)
  } catch {
    return undefined
  }
}

/** The manifests of the languages we read, as far as the package has them. */
export async function manifests(facts: RepositoryFacts) {
  const [npm, cargo, python] = await Promise.all([
    nearestData(facts, 'package.json'),
    nearestData(facts, 'Cargo.toml'),
    nearestData(facts, 'pyproject.toml'),
  ])
  return { npm, cargo, python }
}
