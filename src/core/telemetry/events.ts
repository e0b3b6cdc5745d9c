/**
 * The names in the event log (table `event`). Those of the candidate's states (`candidate.<state>`) stand beside them;
 * the names below are stable and part of the contract with whoever reads the log.
 */
export const EVENTS = {
  'improvement.local.validated': 'A candidate of this repository was judged; data: verdict.',
  'improvement.local.applied': 'A candidate landed on a branch; data: commit, branch.',
  'improvement.local.rolled_back': 'A candidate was rolled back by the evidence, or a landed one was undone; data: reason.',
  'genesis.experiment.request': 'A run was asked for; data: base, branch, sources.',
  'genesis.experiment.status': 'A run went into another phase; data: phase.',
  'genesis.experiment.completed': 'A run ended with a record; data: totals, exit code.',
  'genesis.experiment.failed': 'A run ended without a record; data: error code.',
  'metrics.improvement.local': 'Totals of a run in this repository.',
  'metrics.improvement.global': 'Totals of a run that was taken over from another clone.',
  'metrics.genesis.experiments': 'How long a run took and how many candidates it tried.',
} as const

export type EventName = keyof typeof EVENTS
