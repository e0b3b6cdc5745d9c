import type { HistoryCommit } from '../git/index.ts'
import type { FileMetrics, FunctionMetrics } from './metrics.ts'

export type HistoryMoment = { commit: string; subject: string; /** ms */ time: number }

/** What happened to a file under all the names it had. */
export type FileHistory = {
  /** Commits that changed its content. */
  changes: number
  /** Those of them that mend something. */
  fixes: number
  authors: number
  lastChange: HistoryMoment
  lastFix: HistoryMoment | null
}

export type HistoryCounts = {
  files: Map<string, FileHistory>
  commits: {
    read: number
    /** Of them, left out because they change too many files. */
    mass: number
  }
}

/** As many as code-maat takes for one change (its `--max-changeset-size`): more is a move, a format, a licence. */
export const MOST_FILES = 30

const TYPE = /^(\w+)(?:\([^)]*\))?!?:/
const FIX_TYPES = new Set(['fix', 'bugfix', 'hotfix', 'fixes', 'revert'])
const TYPES = new Set([
  'feat',
  'feature',
  'docs',
  'doc',
  'style',
  'refactor',
  'perf',
  'test',
  'tests',
  'build',
  'ci',
  'chore',
  'release',
  'deps',
])
const FIX_WORDS =
  /\b(?:fix(?:e[sd]|ing)?|bug ?fix(?:es)?|hot ?fix(?:es)?|bugs?|regress(?:ion|ions|ed)|crash(?:es|ed)?|faults?|defects?|revert(?:s|ed)?|broken|vulnerabilit(?:y|ies)|CVE-\d+-\d+)\b/i
/** Words that say a "fix" mends no behaviour. */
const NO_FIX =
  /\b(?:typos?|spelling|lint(?:er|ing)?|whitespace|indent(?:ation)?|formatting|links?|comments?|wording|grammar|docs?|readme|changelog)\b/i
/** "Fixes #12", "fixed: owner/name#3", "Fixes: 1a2b3c4 (…)" in the text below the subject. */
const FIX_TRAILER = /^\W*fix(?:e[sd])?\b:?\s+(?:[\w.-]+\/[\w.-]+)?(?:#\d+|gh-\d+|[0-9a-f]{7,40}\b)/im

/** Whether a commit mends something, by its Conventional Commits type, else by its words, or by the issue or commit it says it fixes. */
export function isFix({ subject, body }: Pick<HistoryCommit, 'subject' | 'body'>): boolean {
  if (FIX_TRAILER.test(body)) return true
  const type = TYPE.exec(subject)?.[1]?.toLowerCase() ?? ''
  if (FIX_TYPES.has(type)) return true
  return !TYPES.has(type) && FIX_WORDS.test(subject) && !NO_FIX.test(subject)
}

/**
 * How often each file changed and was mended, by the name it has now: moves are followed from the newest commit back. Commits of more
 * than `mostFiles` files are followed for their moves only, and a mere move is no change.
 * @param commits newest first
 */
export function countHistory(
  commits: readonly HistoryCommit[],
  { present, mostFiles }: { present: ReadonlySet<string>; mostFiles: number },
): HistoryCounts {
  const known = new Map<string, Open>()
  /** Older name -> name now; null: an older file of that name, which is gone. */
  const names = new Map<string, string | null>()
  let mass = 0
  for (const commit of commits) {
    const changes = commit.changes.filter((each) => each.edited)
    const isMass = changes.length > mostFiles
    if (isMass) mass++
    else
      for (const change of changes) {
        const name = names.has(change.path) ? names.get(change.path)! : change.path
        if (name !== null) count(known, name, commit)
      }
    const moved = commit.changes.flatMap(({ path, oldPath }) => {
      const now = names.has(path) ? names.get(path)! : path
      return oldPath === null || now === null ? [] : [{ path, oldPath, now }]
    })
    for (const { path } of moved) names.set(path, null)
    for (const { oldPath, now } of moved) names.set(oldPath, now)
  }
  // a branch went on under the old name while another one moved the file
  for (const [name, open] of known) {
    const now = present.has(name) ? null : (names.get(name) ?? null)
    if (now !== null && now !== name) merge(known, now, open)
  }
  const files = [...known].filter(([name]) => present.has(name)).map(([name, open]) => [name, close(open)] as const)
  return { files: new Map(files), commits: { read: commits.length, mass } }
}

type Open = Omit<FileHistory, 'authors'> & { authors: Set<string> }

function count(known: Map<string, Open>, name: string, commit: HistoryCommit): void {
  const moment = { commit: commit.oid, subject: commit.subject, time: commit.time }
  const fixed = isFix(commit)
  merge(known, name, {
    changes: 1,
    fixes: fixed ? 1 : 0,
    authors: new Set([commit.author]),
    lastChange: moment,
    lastFix: fixed ? moment : null,
  })
}

function merge(known: Map<string, Open>, name: string, more: Open): void {
  const open = known.get(name)
  if (open === undefined) return void known.set(name, more)
  open.changes += more.changes
  open.fixes += more.fixes
  for (const author of more.authors) open.authors.add(author)
  open.lastChange = later(open.lastChange, more.lastChange)
  open.lastFix = open.lastFix && more.lastFix ? later(open.lastFix, more.lastFix) : (open.lastFix ?? more.lastFix)
}

const later = (one: HistoryMoment, other: HistoryMoment): HistoryMoment => (other.time > one.time ? other : one)

const close = ({ authors, ...open }: Open): FileHistory => ({ ...open, authors: authors.size })

export type HotSpot = FileHistory & {
  path: string
  language: string
  score: number
  cyclomatic: number
  cognitive: number | null
  /** Source lines. */
  lines: number
  /** The most complex one of it. */
  function: (Pick<FunctionMetrics, 'name' | 'kind' | 'line_start' | 'line_end'> & { cyclomatic: number }) | null
}

/** cyclomatic · (changes + fixes): see `hotSpotOf`. */
export const heatOf = (cyclomatic: number, { changes, fixes }: Pick<FileHistory, 'changes' | 'fixes'>): number =>
  cyclomatic * (changes + fixes)

/**
 * Complexity times change frequency (Tornhill, "Your Code as a Crime Scene", 2015), where a commit that mends something counts twice:
 * score = cyclomatic · (changes + fixes). Files that were mended before are where the next faults are found (Kim, Zimmermann, Whitehead,
 * Zeller, "Predicting Faults from Cached History", ICSE 2007). `undefined` where no complexity is known.
 */
export function hotSpotOf(path: string, metrics: FileMetrics, history: FileHistory): HotSpot | undefined {
  if (metrics.cyclomatic === null) return undefined
  const known = metrics.functions.flatMap(({ name, kind, line_start, line_end, cyclomatic }) =>
    cyclomatic === null ? [] : [{ name, kind, line_start, line_end, cyclomatic }],
  )
  const [worst = null] = known.toSorted((a, b) => b.cyclomatic - a.cyclomatic || a.line_start - b.line_start)
  return {
    ...history,
    path,
    language: metrics.language,
    score: heatOf(metrics.cyclomatic, history),
    cyclomatic: metrics.cyclomatic,
    cognitive: metrics.cognitive,
    lines: metrics.lines.source,
    function: worst,
  }
}

/** The hottest first; where two are as hot, the one that comes first by path. */
export function rankHotSpots<T extends HotSpot>(spots: readonly T[]): T[] {
  return spots.toSorted((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1))
}
