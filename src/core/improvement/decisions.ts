import { existsSync } from 'node:fs'
import type { ImprovementDeps } from './session.ts'
import { type DecisionRecord, writeDecisions } from './record.ts'
import type { Candidate } from './store.ts'

type Deps = Pick<ImprovementDeps, 'store' | 'approvals' | 'log'>

/**
 * Writes what was decided about the candidates of a run into its record: who said yes or no, through what, what landed,
 * what was undone. The decision itself is kept in the state: where the record cannot be written, it stands all the same.
 */
export function recordDecisions({ store, approvals, log }: Deps, runId: string): void {
  const { recordPath } = store.run(runId)
  if (recordPath === null || !existsSync(recordPath)) return
  const decisionOf = (candidate: Candidate): DecisionRecord => {
    const answer = approvals.latest(candidate.id)
    return {
      candidate: candidate.id,
      state: candidate.state,
      answer: answer && {
        status: answer.status,
        by: answer.decided_by,
        via: answer.via,
        at: answer.decided_at,
        reason: answer.reason,
        overrides: answer.overrides,
        diffHash: answer.diff_hash,
      },
      landed: candidate.landed === null ? null : { commit: candidate.landed, ref: candidate.targetRef },
      undone: candidate.undo,
      history: store.history(candidate.id),
    }
  }
  try {
    writeDecisions(recordPath, store.candidatesOf(runId).map(decisionOf))
  } catch (error) {
    log.warn('decisions not recorded', { run: runId, error })
  }
}
