import type { Database } from '../storage/index.ts'
import { type LegHit, MOST, type Narrow, type Rows, bestHits } from './candidates.ts'
import { type Query, isForeign, matchText, phraseText } from './query.ts'
import { fts } from './sql.ts'
import { readTotals } from './totals.ts'
import { splitIdentifiers } from '../embedding/index.ts'

/** k1 + 1 of FTS5's bm25: what a word counts at most is its inverse frequency times this. */
const MOST_PER_WORD = 2.2
/** Fewer rows are ranked as fast as words are counted. */
const MANY = 12_000
/** Share of what so many words count at most together that the last of the best reaches nearly always, from two words on (bench). */
const SHARES = [0.5, 0.4, 0.34, 0.32, 0.29, 0.28, 0.24]
/** Words that a condition is made of; others are taken to be everywhere. */
const MOST_WORDS = 8

/** Longer queries are pasted texts: counting all of their words is no gain. */
const MOST_WEIGHED = 16

type Ranked = { id: number; rank: number }

/** bm25 over path, name and body. */
export function wordLeg(db: Database, worktree: number, query: Query, rows: Rows, narrow: Narrow | null): LegHit[] {
  const texts = query.quoted.filter((text) => splitIdentifiers(text).length > 0).map(phraseText)
  const match = query.quoted.length > 0 ? texts.join(' AND ') : matchText(query.words)
  if (match === '') return []
  if (isForeign(query, (word) => db.get(fts.any(worktree), matchText([word])) !== undefined)) return []
  const found = narrow === null ? ranked(db, worktree, match, query) : rankedAmong(db, worktree, match, narrow)
  return bestHits(
    found.map(({ id, rank }) => ({ doc: id, score: -rank })),
    rows,
  )
}

/** The best rows with all that rank as the last of them; `many`: from so many rows on, those that cannot be among them are not ranked. */
export function ranked(db: Database, worktree: number, match: string, query: Pick<Query, 'quoted' | 'words'>, many = MANY): Ranked[] {
  const found = rankedAbove(db, worktree, match, query, many) ?? db.all<Ranked>(fts.match(worktree), match, MOST + 1)
  if (found.length <= MOST || found[MOST]!.rank !== found[MOST - 1]!.rank) return found.slice(0, MOST)
  const last = found[MOST]!.rank
  return [...found.filter(({ rank }) => rank < last), ...db.all<Ranked>(fts.ties(worktree), match, last)]
}

/** A filter that lets few pieces pass spares the ranking of all others. */
function rankedAmong(db: Database, worktree: number, match: string, narrow: Narrow): Ranked[] {
  const few = narrow.few(50_000)
  const found =
    few === null
      ? db.all<Ranked>(fts.match(worktree), match, -1).filter(({ id }) => narrow.allows(id))
      : db.all<Ranked>(fts.matchAmong(worktree), match, JSON.stringify(few))
  const last = found[MOST - 1]?.rank ?? Infinity
  return found.filter(({ rank }) => rank <= last)
}

type Weighed = { word: string; count: number; most: number }

/**
 * The same rows, but bm25 is computed for those only that may be among them: ranking costs fifteen times as much as finding. A row counts
 * no more than its words count at most, so rows below a threshold are left out; that is right where the last row found is above it.
 * `undefined` where it would not pay.
 */
function rankedAbove(
  db: Database,
  worktree: number,
  match: string,
  query: Pick<Query, 'quoted' | 'words'>,
  many: number,
): Ranked[] | undefined {
  if (query.quoted.length > 0 || query.words.length < 2 || query.words.length > MOST_WEIGHED) return undefined
  const total = readTotals(db, worktree).rows
  const words = query.words
    .map((word): Weighed => {
      const { count } = db.get<{ count: number }>(fts.count(worktree), matchText([word]))!
      return { word, count, most: MOST_PER_WORD * Math.max(1e-6, Math.log((total - count + 0.5) / (count + 0.5))) }
    })
    .sort((a, b) => b.most - a.most)
  if (words.reduce((sum, { count }) => sum + count, 0) < many) return undefined
  const [telling, common] = [words.slice(0, MOST_WORDS), words.slice(MOST_WORDS)]
  const left = common.reduce((sum, { most }) => sum + most, 0)
  for (let least = (SHARES[words.length - 2] ?? 0.2) * words.reduce((sum, { most }) => sum + most, 0); ;) {
    const condition = holding(telling, least - left)
    if (condition === null || condition === '') return undefined
    const found = db.all<Ranked>(fts.matchAlso(worktree), match, condition, MOST + 1)
    const last = found.length > MOST ? -found[MOST]!.rank : 0
    if (last > least) return found
    if (last === 0) return undefined
    // rows that are left out now count less than one that was found
    least = last * (1 - 1e-9)
  }
}

/** What holds words that count at least so much together; `null` where every row does, '' where none can. */
function holding(words: readonly Weighed[], least: number): string | null {
  if (least <= 0) return null
  if (words.reduce((sum, { most }) => sum + most, 0) < least) return ''
  const [first, ...rest] = words as [Weighed, ...Weighed[]]
  const own = matchText([first.word])
  const [beside, without] = [holding(rest, least - first.most), holding(rest, least)]
  const parts = [beside === null ? own : beside === '' ? '' : `(${own} AND (${beside}))`, without ?? '']
  return parts.filter((part) => part !== '').join(' OR ')
}
