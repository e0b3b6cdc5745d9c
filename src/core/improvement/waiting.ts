import { candidateReport } from './explain.ts'
import type { Waiting, WaitingOptions } from './service.ts'
import type { ImprovementDeps } from './session.ts'
import type { CandidateState } from './data.ts'

/** States that ask something of a person. */
export const WAITING: readonly CandidateState[] = ['awaiting_approval', 'approved', 'conflict', 'needs_attention']
const MOST = 1_000_000
const MOST_REFUSED = 50

/** One page of what waits for a person. The cursor is the last candidate of a page: it may be decided meanwhile. */
export function waitingPage(deps: Pick<ImprovementDeps, 'store' | 'approvals'>, options: WaitingOptions = {}): Waiting {
  const { store, approvals } = deps
  const { limit = MOST, cursor, search = '' } = options
  const after = cursor === undefined ? null : store.candidate(cursor)
  const found = store.page(WAITING, { search, after, limit: limit + 1 })
  const page = found.slice(0, limit)
  const weakened = store
    .page(['rejected'], { search, after: null, limit: MOST })
    .filter(({ reasons }) => reasons.some(({ code }) => code === 'tests_weakened'))
  return {
    candidates: page.map((candidate) => candidateReport(deps, candidate)),
    refused: after ? [] : weakened.slice(-MOST_REFUSED).map((candidate) => candidateReport(deps, candidate)),
    questions: approvals.openQuestions(),
    total: store.count(WAITING, search),
    next_cursor: found.length > limit ? page.at(-1)!.id : null,
  }
}
