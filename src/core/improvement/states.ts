import { SingularityError } from '../kernel/index.ts'
import type { CandidateState } from './data.ts'

/**
 * Which state may follow which. Only `sandboxed`, `validating`, `landing` and `undoing` need recovery after a crash;
 * all others are stable. `keep` lands through `awaiting_approval`, also when a policy says the yes.
 */
export const TRANSITIONS: Readonly<Record<CandidateState, readonly CandidateState[]>> = {
  proposed: ['committed', 'errored', 'abandoned'],
  committed: ['sandboxed', 'rejected', 'errored', 'abandoned', 'validated'],
  sandboxed: ['validating', 'committed', 'rejected', 'errored', 'abandoned'],
  validating: ['validated', 'rejected', 'errored', 'abandoned', 'committed'],
  validated: ['awaiting_approval', 'abandoned', 'expired'],
  rejected: ['awaiting_approval', 'abandoned'],
  errored: ['abandoned'],
  awaiting_approval: ['approved', 'declined', 'expired', 'conflict', 'abandoned'],
  approved: ['landing', 'conflict', 'expired', 'needs_attention', 'awaiting_approval', 'abandoned'],
  declined: [],
  expired: ['abandoned'],
  landing: ['landed', 'approved', 'conflict', 'needs_attention'],
  landed: ['observing', 'undoing'],
  observing: ['confirmed', 'undoing', 'needs_attention'],
  confirmed: ['undoing'],
  undoing: ['undone', 'landed', 'observing', 'confirmed', 'undo_conflict', 'needs_attention'],
  undone: [],
  conflict: ['awaiting_approval', 'abandoned', 'expired'],
  undo_conflict: ['undoing'],
  needs_attention: ['landed', 'approved', 'undone', 'undoing', 'abandoned'],
  abandoned: [],
}

/** States in which a person may still say yes. */
export const DECIDABLE: readonly CandidateState[] = ['validated', 'awaiting_approval', 'conflict']

/** States whose change is in a branch. */
export const LANDED: readonly CandidateState[] = ['landed', 'observing', 'confirmed']

/** @throws STATE_CONFLICT when the state machine has no such step. */
export function assertTransition(id: string, from: CandidateState, to: CandidateState): void {
  if (TRANSITIONS[from].includes(to)) return
  throw new SingularityError('STATE_CONFLICT', `Candidate ${id} is ${from}; it cannot become ${to}.`, {
    hints: [`singularity show ${id}`],
    data: { id, from, to },
  })
}
