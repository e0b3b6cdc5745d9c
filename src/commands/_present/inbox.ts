import type { ImprovementService } from '../../core/improvement/index.ts'
import { plural, printable } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

/** What waits, with the lines to copy. */
export function presentInbox({ candidates, questions }: Awaited<ReturnType<ImprovementService['waiting']>>): string {
  if (candidates.length + questions.length === 0) return 'Nothing waits for you.\n'
  const rows = candidates.map(({ candidate: { id, title, risk, verdict, state } }) => [
    id,
    title,
    verdict ?? '',
    risk,
    state.replaceAll('_', ' '),
  ])
  const lines = [table(rows, { grow: 1, indent: 0 })]
  for (const { id, text, candidateId } of questions)
    lines.push(`question ${id} about ${candidateId}: ${printable(text)}`, `  ${paint('cyan', `singularity answer ${id} TEXT`)}`)
  if (candidates[0])
    lines.push(
      '',
      `${plural(candidates.length, 'candidate')} wait:`,
      `  ${paint('cyan', `singularity show ${candidates[0].candidate.id}`)}`,
      `  ${paint('cyan', `singularity approve ${candidates[0].candidate.id}`)}`,
      `  ${paint('cyan', `singularity reject ${candidates[0].candidate.id} --reason TEXT`)}`,
    )
  return `${lines.join('\n')}\n`
}
