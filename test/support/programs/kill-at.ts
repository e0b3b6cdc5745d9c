/**
 * Preloaded into the built program: it kills itself, as a crash would, at the point that TEST_KILL_AT names. Points are statements
 * of its databases, seen just before they run or just after they are committed.
 */
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'

type Point = { file: string; sql: RegExp; first?: string; before?: true }

/** In the order in which a paid call comes to them. */
const POINTS: Readonly<Record<string, Point>> = {
  'attempt row written': { file: 'queue.db', sql: /^INSERT INTO attempt/ },
  reserved: { file: 'account.db', sql: /^INSERT INTO reservation/ },
  'calling in the account': { file: 'account.db', sql: /^UPDATE reservation SET phase/, first: 'calling' },
  'calling in the queue': { file: 'queue.db', sql: /^UPDATE attempt SET phase/, first: 'calling' },
  answered: { file: 'account.db', sql: /^UPDATE reservation SET phase/, first: 'settled', before: true },
  'settled in the account': { file: 'account.db', sql: /^UPDATE reservation SET phase/, first: 'settled' },
  'attempt settled': { file: 'queue.db', sql: /^UPDATE attempt SET phase/, first: 'settled' },
  'request settling': { file: 'queue.db', sql: /^UPDATE job SET state = 'completed'/, before: true },
  'request settled': { file: 'queue.db', sql: /^UPDATE job SET state = 'completed'/ },
}

const wanted = POINTS[process.env['TEST_KILL_AT'] ?? '']
const Native = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3
const { prepare, transaction } = Native.prototype
let passed = false

function die(): void {
  process.kill(process.pid, 'SIGKILL')
  // the signal comes when it comes: nothing may be done until then
  for (;;);
}

/** Runs a statement; `passed` when it was the wanted one. */
function watch(db: BetterSqlite3.Database, sql: string, params: readonly unknown[], run: () => unknown): unknown {
  const is = wanted && basename(db.name) === wanted.file && wanted.sql.test(sql) && (!wanted.first || params[0] === wanted.first)
  if (is && wanted.before) die()
  const result = run()
  passed ||= Boolean(is)
  if (passed && !db.inTransaction) die()
  return result
}

Native.prototype.prepare = function (this: BetterSqlite3.Database, sql: string) {
  const statement = prepare.call(this, sql)
  for (const name of ['run', 'get', 'all'] as const) {
    const real = (statement[name] as (...params: unknown[]) => unknown).bind(statement)
    Object.defineProperty(statement, name, { value: (...params: unknown[]) => watch(this, sql, params, () => real(...params)) })
  }
  return statement
} as typeof prepare

Native.prototype.transaction = function (this: BetterSqlite3.Database, body: (...args: unknown[]) => unknown) {
  const made = transaction.call(this, body)
  const immediate = (...args: unknown[]): unknown => {
    const result = made.immediate(...args)
    if (passed) die()
    return result
  }
  return { immediate }
} as unknown as typeof transaction
