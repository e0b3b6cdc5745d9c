// Writes rows into a database until it is killed: fork(write-rows, [path]); says when the first are there
import { openDatabase } from '../../../src/core/storage/index.ts'

const db = openDatabase({
  path: process.argv[2]!,
  applicationId: 7,
  migrations: ['CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL) STRICT'],
})
for (let n = 0; n < 200; n++) db.run('INSERT INTO t (x) VALUES (?)', `row ${n} ${'x'.repeat(500)}`)
process.send!('written')
// holds the file open without a word more
setInterval(() => undefined, 60_000)
