import type BetterSqlite3 from 'better-sqlite3'
import type { SqlValue } from './database.ts'

/** `lost`: rows that are known to have been there; of pages that nothing points to any more nobody knows. */
export type Salvaged = Record<string, { kept: number; lost: number }>

type Column = { name: string; pk: number }
type Table = { name: string; columns: string[]; key: string[]; from: string }

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
const list = (names: readonly string[]): string => names.map(quote).join(', ')
/** So many numbers between the first and the last known row are asked for one by one. */
const WIDEST_RANGE = 2_000_000

/**
 * Copies every row that can still be read into a file of the same tables. A scan ends at the first bad page; from there on rows are
 * found by whatever still leads to them (from the other end, through indexes, by their number, by the row they belong to) and read one
 * by one. What a constraint of the new file refuses is lost too.
 */
export function salvageRows(source: BetterSqlite3.Database, target: BetterSqlite3.Database): Salvaged {
  const report: Salvaged = {}
  target
    .transaction(() => {
      const triggers = target.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`).all() as { name: string; sql: string }[]
      for (const { name } of triggers) target.exec(`DROP TRIGGER ${quote(name)}`)
      for (const table of tablesOf(source, target)) report[table.name] = copyTable(source, target, table)
      for (const { sql } of triggers) target.exec(sql)
    })
    .immediate()
  return report
}

/** Tables of the new file in the order in which they were made: what is pointed to comes before what points to it. */
function tablesOf(source: BetterSqlite3.Database, target: BetterSqlite3.Database): Table[] {
  const names = target
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid`)
    .pluck()
    .all() as string[]
  return names.flatMap((name): Table[] => {
    const old = new Set(columnsOf(source, name).map((column) => column.name))
    const own = columnsOf(target, name)
    const columns = own.map((column) => column.name).filter((column) => old.has(column))
    if (columns.length === 0) return []
    const withoutRowid = target.prepare('SELECT wr FROM pragma_table_list(?)').pluck().get(name) === 1
    const primary = own.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
    return [{ name, columns, key: withoutRowid ? primary.map((column) => column.name) : ['rowid'], from: quote(name) }]
  })
}

const columnsOf = (db: BetterSqlite3.Database, table: string): Column[] =>
  db.prepare('SELECT name, pk FROM pragma_table_info(?)').all(table) as Column[]

function copyTable(source: BetterSqlite3.Database, target: BetterSqlite3.Database, table: Table): Salvaged[string] {
  const { columns, key, from } = table
  const insert = target.prepare(`INSERT OR REPLACE INTO ${from} (${list(columns)}) VALUES (${columns.map(() => '?').join(', ')})`)
  const seen = new Set<string>()
  let [kept, lost] = [0, 0]
  const keep = (row: readonly SqlValue[]): void => {
    const id = JSON.stringify(row.slice(0, key.length))
    if (seen.has(id)) return
    seen.add(id)
    try {
      insert.run(...row.slice(key.length))
      kept++
    } catch {
      lost++
    }
  }
  const wanted = `${list(key)}, ${list(columns)}`
  const order = (direction: string): string => key.map((name) => `${quote(name)} ${direction}`).join(', ')
  if (walk(source, `SELECT ${wanted} FROM ${from} NOT INDEXED ORDER BY ${order('ASC')}`, keep)) return { kept, lost }
  walk(source, `SELECT ${wanted} FROM ${from} NOT INDEXED ORDER BY ${order('DESC')}`, keep)

  const missing = new Map<string, readonly SqlValue[]>()
  const note = (values: readonly SqlValue[]): void => {
    const id = JSON.stringify(values)
    if (!seen.has(id)) missing.set(id, values)
  }
  for (const index of fullIndexes(source, table.name))
    for (const direction of ['ASC', 'DESC'])
      walk(source, `SELECT ${list(key)} FROM ${from} INDEXED BY ${quote(index.name)} ORDER BY ${list(index.columns)} ${direction}`, note)
  const known = missing.size
  if (key[0] === 'rowid') for (const number of between([...seen, ...missing.keys()])) note([number])
  const one = `SELECT ${wanted} FROM ${from} NOT INDEXED WHERE (${list(key)}) = (${key.map(() => '?').join(', ')})`
  const before = kept + lost
  for (const values of missing.values()) walk(source, one, keep, values)
  byParents(source, target, table, wanted, keep)
  // a number in between that leads to nothing may never have been a row
  return { kept, lost: Math.max(lost, known - (kept + lost - before)) }
}

/** Rows that belong to rows of another table, where that is the first part of their key. */
function byParents(
  source: BetterSqlite3.Database,
  target: BetterSqlite3.Database,
  { name, from, key }: Table,
  wanted: string,
  keep: (row: readonly SqlValue[]) => void,
): void {
  const links = target.prepare(`SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)`).all(name) as Record<string, string>[]
  const own = columnsOf(target, name).find(({ pk }) => pk === 1)?.name
  const link = links.find((each) => each['from'] === (key[0] === 'rowid' ? own : key[0]))
  if (!link) return
  const parents = target
    .prepare(`SELECT ${quote(link['to']!)} FROM ${quote(link['table']!)}`)
    .pluck()
    .all() as SqlValue[]
  for (const parent of parents) walk(source, `SELECT ${wanted} FROM ${from} NOT INDEXED WHERE ${quote(link['from']!)} = ?`, keep, [parent])
}

function fullIndexes(source: BetterSqlite3.Database, table: string): { name: string; columns: string[] }[] {
  const found: { name: string; columns: string[] }[] = []
  walk(source, 'SELECT name FROM pragma_index_list(?) WHERE partial = 0', ([name]) => found.push({ name: name as string, columns: [] }), [
    table,
  ])
  for (const index of found)
    walk(source, 'SELECT name FROM pragma_index_info(?)', ([column]) => index.columns.push(column as string), [index.name])
  return found.filter(({ columns }) => columns.every((column) => typeof column === 'string'))
}

function* between(ids: readonly string[]): Generator<number> {
  const numbers = ids.map((id) => Number((JSON.parse(id) as SqlValue[])[0]))
  // no spread: there may be millions
  const first = numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const last = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  for (let number = Math.max(first, last - WIDEST_RANGE); number <= last; number++) yield number
}

/** Hands over rows until the end, or until one cannot be read; answers whether it came to the end. */
function walk(
  db: BetterSqlite3.Database,
  sql: string,
  take: (row: readonly SqlValue[]) => void,
  values: readonly SqlValue[] = [],
): boolean {
  try {
    for (const row of db
      .prepare(sql)
      .raw()
      .iterate(...values))
      take(row as SqlValue[])
    return true
  } catch {
    return false
  }
}
