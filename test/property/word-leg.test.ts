import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { INDEX_APPLICATION_ID, INDEX_MIGRATIONS } from '../../src/core/search/migrations.ts'
import { matchText } from '../../src/core/search/query.ts'
import { fts } from '../../src/core/search/sql.ts'
import { ranked } from '../../src/core/search/word-leg.ts'
import { type Database, openDatabase } from '../../src/core/storage/index.ts'

/** From words that are everywhere to words that are rare. */
const WORDS = Array.from({ length: 14 }, (_, at) => `word${String.fromCodePoint(97 + at)}`)

describe('rows that cannot be among the best are not ranked', () => {
  it('and the best are the same, with all that rank as the last of them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'singularity-words-'))
    const db = openDatabase({ path: join(folder, 'index.db'), applicationId: INDEX_APPLICATION_ID, migrations: INDEX_MIGRATIONS })
    try {
      db.run(fts.create(1))
      db.transaction(() => {
        let seed = 1
        const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
        for (let row = 1; row <= 1500; row++) {
          const texts = [0.1, 0.1, 1].map((share) => WORDS.filter((_word, at) => random() < share / (1 + at)).join(' '))
          db.run(fts.add(1), BigInt(row), ...texts)
        }
      })
      let spared = 0
      const counting: Database = {
        ...db,
        all: (sql, ...params) => {
          if (sql === fts.matchAlso(1)) spared++
          return db.all(sql, ...params)
        },
      }
      fc.assert(
        fc.property(fc.uniqueArray(fc.constantFrom(...WORDS), { minLength: 2, maxLength: 12 }), (words) => {
          const match = matchText(words)
          const all = db.all<{ id: number; rank: number }>(fts.match(1), match, -1)
          const last = all[99]?.rank ?? Infinity
          const found = ranked(counting, 1, match, { words, quoted: [] }, 0)
          const order = (rows: readonly { id: number; rank: number }[]) => rows.toSorted((a, b) => a.rank - b.rank || a.id - b.id)
          expect(order(found)).toEqual(order(all.filter(({ rank }) => rank <= last)))
        }),
        { numRuns: 60 },
      )
      expect(spared).toBeGreaterThan(50)
    } finally {
      db.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }, 60_000)
})
