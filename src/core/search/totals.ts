import type { Database } from '../storage/index.ts'
import { fts } from './sql.ts'

/** Rows and words per column, as FTS5 keeps them for bm25: variable-length numbers in the record 1 of its data table. */
export type Totals = { rows: number; words: number[] }

type Blob = { value: Uint8Array }

/** SQLite's variable-length integers: seven bits a byte, the highest first. Ours never need the ninth byte. */
function readNumbers(bytes: Uint8Array): number[] {
  const numbers: number[] = []
  let value = 0
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    numbers.push(value)
    value = 0
  }
  return numbers
}

function writeNumbers(numbers: readonly number[]): Uint8Array {
  const bytes: number[] = []
  for (const number of numbers) {
    const own = [number % 128]
    for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) own.unshift((rest % 128) + 128)
    bytes.push(...own)
  }
  return Uint8Array.from(bytes)
}

export function readTotals(db: Database, worktree: number): Totals {
  const [rows = 0, ...words] = readNumbers(db.get<Blob>(fts.totals(worktree))?.value ?? new Uint8Array())
  return { rows, words: words.length === 3 ? words : [0, 0, 0] }
}

/** The same, counted from the rows that are there. */
export function countTotals(db: Database, worktree: number): Totals {
  const totals: Totals = { rows: 0, words: [0, 0, 0] }
  for (const { value } of db.all<Blob>(fts.sizes(worktree))) add(totals, readNumbers(value))
  return totals
}

function add(totals: Totals, sizes: readonly number[], sign = 1): void {
  totals.rows += sign
  for (const [column, size] of sizes.entries()) totals.words[column] = (totals.words[column] ?? 0) + sign * size
}

/**
 * Runs a body that adds and removes rows, inside a transaction. FTS5 does not take removed rows of a table without content out of its
 * totals: bm25 would depend on history. So what was removed is taken out here, after FTS5 wrote its own figures.
 */
export function keepTotals(db: Database, worktree: number, body: (remove: (row: number) => void) => void): void {
  const removed: Totals = { rows: 0, words: [0, 0, 0] }
  body((row) => {
    const size = db.get<Blob>(fts.size(worktree), row)
    if (size === undefined) return
    add(removed, readNumbers(size.value))
    db.run(fts.remove(worktree), row)
  })
  if (removed.rows === 0) return
  // makes FTS5 write what it holds, and forget its own totals
  db.run('SAVEPOINT totals')
  db.run('RELEASE totals')
  const totals = readTotals(db, worktree)
  const numbers = [totals.rows - removed.rows, ...totals.words.map((words, column) => words - removed.words[column]!)]
  db.run(fts.setTotals(worktree), writeNumbers(numbers))
}
