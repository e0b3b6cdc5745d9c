import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suggest } from '../kernel/index.ts'
import { BITS, ENTITIES, type LanguageTable, type Role, type Rule } from './language-table.ts'

export type LanguageTables = {
  ids: readonly string[]
  get(id: string): LanguageTable | undefined
  /**
   * The language of a file by its whole name, its extension, or its `#!` line (`firstLine`, where there is no extension);
   * `undefined` where no table knows it. A path may be relative and uses `/`.
   */
  detect(path: string, firstLine?: string): string | undefined
}

/** What is wrong with a table, with the file it stands in. */
export class LanguageTableError extends Error {
  override readonly name = 'LanguageTableError'
}

const ROLES = new Set<string>([...Object.keys(BITS), ...ENTITIES, 'branch'])
const KEYS = new Set([
  'id',
  'name',
  'extensions',
  'files',
  'interpreters',
  'grammar',
  'extends',
  'drop',
  'roles',
  'scanner',
  'verified',
  '$schema',
])

/**
 * Reads the tables of the given folders; a table of a later folder replaces that of an earlier one with the same id. Node kinds are
 * checked when a grammar is loaded (`compileTable`).
 * @throws LanguageTableError where a table is no table
 */
export function loadTables(folders: readonly string[]): LanguageTables {
  const raw = new Map<string, LanguageTable>()
  for (const folder of folders)
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith('.json') || file.endsWith('.schema.json')) continue
      const table = readTable(join(folder, file))
      raw.set(table.id, table)
    }
  const tables = new Map([...raw].map(([id, table]) => [id, inherit(table, raw, [])] as const))
  const byExtension = new Map<string, string>()
  const byFile = new Map<string, string>()
  const byInterpreter = new Map<string, string>()
  for (const [id, { extensions, files = [], interpreters = [] }] of tables) {
    for (const extension of extensions) byExtension.set(extension, id)
    for (const file of files) byFile.set(file.toLowerCase(), id)
    for (const interpreter of interpreters) byInterpreter.set(interpreter, id)
  }
  return {
    ids: [...tables.keys()],
    get: (id) => tables.get(id),
    detect(path, firstLine = '') {
      const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
      const whole = byFile.get(name)
      if (whole !== undefined) return whole
      // The longest extension wins: `x.d.ts`, `x.html.erb`.
      for (let dot = name.indexOf('.', 1); dot > 0; dot = name.indexOf('.', dot + 1)) {
        const known = byExtension.get(name.slice(dot + 1))
        if (known !== undefined) return known
      }
      if (name.indexOf('.', 1) > 0 || !firstLine.startsWith('#!')) return undefined
      return byInterpreter.get(interpreterOf(firstLine))
    },
  }
}

/** The language that a person means by its id, its name or an extension, in any case; `undefined` where no table is it. */
export function findLanguage(tables: LanguageTables, typed: string): string | undefined {
  const word = typed.toLowerCase().replace(/^\./, '')
  if (word === 'text' || tables.get(word) !== undefined) return word
  return tables.ids.find((id) => tables.get(id)!.name.toLowerCase() === word) ?? tables.detect(`file.${word}`)
}

/** The id that is nearest to what was typed, if one is near. */
export function suggestLanguage(tables: LanguageTables, typed: string): string | undefined {
  return suggest(typed.toLowerCase(), tables.ids)
}

/** `#!/usr/bin/env -S python3.11 -u` is python. */
function interpreterOf(firstLine: string): string {
  const words = firstLine.slice(2).trim().split(/\s+/)
  const programs = words.map((word) => word.slice(word.lastIndexOf('/') + 1))
  const program =
    programs[0] === 'env'
      ? (programs.slice(1).find((word) => word !== '' && !word.startsWith('-') && !word.includes('=')) ?? '')
      : (programs[0] ?? '')
  return program.replace(/[\d.]+$/, '')
}

function readTable(path: string): LanguageTable {
  const fail = (why: string) => new LanguageTableError(`${path}: ${why}`)
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw fail(`cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('is no object')
  const table = value as LanguageTable
  for (const key of Object.keys(table)) if (!KEYS.has(key)) throw fail(`has an unknown word "${key}"`)
  if (typeof table.id !== 'string' || !/^[a-z][a-z0-9_-]*$/.test(table.id)) throw fail('has no usable "id"')
  if (typeof table.name !== 'string') throw fail('has no "name"')
  for (const key of ['extensions', 'files', 'interpreters', 'drop'] as const) {
    const list = table[key] ?? (key === 'extensions' ? undefined : [])
    if (!Array.isArray(list) || list.some((word) => typeof word !== 'string')) throw fail(`"${key}" is no list of words`)
  }
  for (const [role, rules] of Object.entries(table.roles ?? {})) {
    if (!ROLES.has(role)) throw fail(`has an unknown role "${role}"`)
    if (!Array.isArray(rules)) throw fail(`"${role}" is no list`)
    for (const rule of rules as (string | Rule)[])
      if (typeof rule !== 'string' && (typeof rule !== 'object' || rule === null || rule.kind === undefined))
        throw fail(`"${role}" has a rule without a kind`)
  }
  return table
}

/** A table with the roles of the tables it extends; its own rules come first, so they win. */
function inherit(table: LanguageTable, all: ReadonlyMap<string, LanguageTable>, seen: readonly string[]): LanguageTable {
  if (table.extends === undefined) return table
  const parent = all.get(table.extends)
  if (parent === undefined || seen.includes(table.id)) throw new LanguageTableError(`${table.id}: cannot extend ${table.extends}`)
  const base = inherit(parent, all, [...seen, table.id])
  const dropped = new Set(table.drop)
  const roles: Partial<Record<Role, readonly (string | Rule)[]>> = { ...table.roles }
  for (const [role, rules] of Object.entries(base.roles ?? {}) as [Role, readonly (string | Rule)[]][])
    roles[role] = [...(roles[role] ?? []), ...rules.flatMap((rule) => without(rule, dropped))]
  const scanner = table.scanner ?? base.scanner
  return { ...table, roles, ...(scanner === undefined ? {} : { scanner }) }
}

function without(rule: string | Rule, dropped: ReadonlySet<string>): (string | Rule)[] {
  const keep = (kinds: string | readonly string[]) => [kinds].flat().filter((kind) => !dropped.has(kind))
  if (typeof rule === 'string') return dropped.has(rule) ? [] : [rule]
  const kind = keep(rule.kind)
  if (kind.length === 0) return []
  const from = Object.entries(rule.name_from ?? {}).filter(([parent]) => !dropped.has(parent))
  return [{ ...rule, kind, ...(rule.name_from === undefined ? {} : { name_from: Object.fromEntries(from) }) }]
}
