import type { CandidateData, ImprovementService } from '../../core/improvement/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { verdictName } from './run.ts'
import { table } from './text.ts'

/** What became of a yes, one line each, and how it is taken back. */
export function presentApproved(
  candidates: readonly CandidateData[],
  failed: readonly { message: string }[],
  options: { dryRun: boolean },
): string {
  const lines = candidates.flatMap(({ id, state, title, commit, landed_on: branch }) => {
    if (options.dryRun) return [`can land  ${id}  ${oneLine(title)}`]
    if (state !== 'landed') return [`${paint('yellow', state.replaceAll('_', ' '))}  ${id}  ${oneLine(title)}`]
    return [
      `${paint('green', 'landed')}  ${id}  ${oneLine(title)}  on ${oneLine(branch ?? '')} as ${commit?.slice(0, 12)}`,
      `  ${paint('cyan', `singularity undo ${id}`)}`,
    ]
  })
  return [...lines, ...failed.map(({ message }) => `${paint('yellow', 'not landed')}  ${oneLine(message)}`)].join('\n') || 'Nothing waits.'
}

/** The verdicts of a record, and which of them another policy would change. */
export function presentReplay(replayed: Awaited<ReturnType<ImprovementService['replay']>>, set: readonly string[]): string {
  const rows = replayed.verdicts.map(({ id, title, recorded, now, changed }) => [
    id,
    title,
    verdictName(recorded),
    changed ? `-> ${verdictName(now)}` : 'same',
  ])
  const changed = replayed.verdicts.filter((each) => each.changed).length
  return [
    ...(rows.length > 0 ? [table(rows, { grow: 1, indent: 0 }), ''] : []),
    ...(replayed.ok ? ['The record checks: its verdicts follow from its evidence.'] : replayed.problems),
    ...(set.length > 0 ? [`With ${set.map(oneLine).join(', ')} ${plural(changed, 'verdict')} of ${rows.length} would be another.`] : []),
  ].join('\n')
}
