import { MOST_FILES, countDecisions, countHistory, heatOf } from '../analysis/index.ts'
import { readHistory } from '../git/index.ts'
import { groupBy } from '../kernel/index.ts'
import { languageOf } from '../parsing/index.ts'
import type { Session } from './session.ts'
import type { Proposal } from './source.ts'

/** How far back a change says something about the next one. */
const YEAR_MS = 365 * 24 * 3600 * 1000
/** Then candidates stay in the order of their sources: a large history is no reason to wait. */
const PATIENCE_MS = 10_000

/**
 * Candidates that are worth the same by safety and value, those first whose files are complex and change often: the decisions of a
 * file times its changes and fixes of a year (docs/metrics.md, hot spots). A program's own order is kept where git tells nothing.
 */
export async function rankByHeat(session: Session, proposals: readonly Proposal[]): Promise<Proposal[]> {
  const { deps, base, reader, stopSoon } = session
  if (stopSoon.aborted) return [...proposals]
  const files = new Set(proposals.flatMap(({ sites }) => sites.map(({ file }) => file)))
  const time = 1000 * Number((await deps.git.run(['show', '--no-patch', '--format=%ct', base])).text)
  const since = time - YEAR_MS
  const commits = await readHistory(deps.git, {
    since,
    signal: AbortSignal.any([stopSoon, AbortSignal.timeout(PATIENCE_MS)]),
  }).catch(() => [])
  const history = countHistory(commits, { present: files, mostFiles: MOST_FILES }).files
  const heat = new Map<string, number>()
  for (const file of files) {
    const [past, language, text] = [history.get(file), languageOf(file), await reader.text(file)]
    if (past === undefined || language === undefined) continue
    heat.set(file, heatOf(1 + (countDecisions(text ?? '', language) ?? 0), past))
  }
  const heatOfSites = ({ sites }: Proposal): number =>
    [...new Set(sites.map(({ file }) => file))].reduce((sum, file) => sum + (heat.get(file) ?? 0), 0)
  const equals = groupBy(proposals, ({ source, safety, value, explicit }) => `${explicit} ${source.kind} ${safety} ${value ?? ''}`)
  return [...equals.values()].flatMap((group) => group.toSorted((a, b) => heatOfSites(b) - heatOfSites(a)))
}
