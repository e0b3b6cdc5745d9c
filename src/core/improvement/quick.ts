import type { EntryBaseline } from '../validation/index.ts'

/** A suite above this is long: it is run once on the base, and asked in parts. */
export const LONG_MS = 60_000
/** What the quick part of a long suite may take. */
const QUICK_MS = 30_000

/**
 * The quick part of suites that take long together: their test files from the fastest on, as far as half a minute goes. A
 * fault they notice, or a line they run, need not be shown by the slow ones; what they do not see says nothing.
 * @returns undefined where the suites are short, all their files are quick, or none is known to be
 */
export function quickFiles(suites: readonly EntryBaseline[], files: readonly string[]): string[] | undefined {
  if (suites.reduce((sum, { wallMs }) => sum + wallMs, 0) <= LONG_MS) return undefined
  const known = new Map(suites.flatMap(({ fileMs = {} }) => Object.entries(fileMs)))
  const timed = files
    .filter((file) => known.has(file))
    .map((file) => ({ file, ms: known.get(file)! }))
    .toSorted((a, b) => a.ms - b.ms)
  let left = QUICK_MS
  const quick = timed.filter(({ ms }) => (left -= ms) >= 0).map(({ file }) => file)
  return quick.length > 0 && quick.length < files.length ? quick : undefined
}

/** The suites that have one of these files: a runner that is given none of its own runs them all. */
export function suitesWith<T extends { id: string }>(
  entries: readonly T[],
  suites: readonly EntryBaseline[],
  files: readonly string[],
): T[] {
  return entries.filter(({ id }) => suites.some((suite) => suite.entryId === id && suite.files.some((file) => files.includes(file))))
}

/** What the base measured of these suites. */
export function measuredOf(suites: readonly EntryBaseline[], entries: readonly { id: string }[]): EntryBaseline[] {
  return suites.filter(({ entryId }) => entries.some(({ id }) => id === entryId))
}
