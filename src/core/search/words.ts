import { splitIdentifiers } from '../embedding/index.ts'

/** Words that say how a question is put, not what it is about. */
const FILLERS = new Set(
  'a an and are as at be by can do does for from how i if in is it its me my of on or that the this to was we what when where which who why with you'.split(
    ' ',
  ),
)

/** The distinct words of a query, at most `most`, without fillers where other words are left. */
export function queryWords(text: string, most = 48): string[] {
  const all = [...new Set(splitIdentifiers(text.slice(0, 20_000)))]
  const telling = all.filter((word) => !FILLERS.has(word))
  const kept = telling.length > 0 ? telling : all
  // a pasted page is known by its longest words
  return kept.length <= most ? kept : kept.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, most)
}
