import type { ImprovementService } from '../../core/improvement/index.ts'
import { oneLine, shellQuote } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { verdictName } from './run.ts'
import { table } from './text.ts'

/** What waits, with the lines to copy. */
export function presentInbox(
  { candidates, refused, questions, total, next_cursor: next }: Awaited<ReturnType<ImprovementService['waiting']>>,
  flags: { limit?: number | undefined; search?: string | undefined } = {},
): string {
  if (candidates.length + questions.length + refused.length === 0) return 'Nothing waits for you.\n'
  const rows = candidates.map(({ candidate: { id, title, risk, verdict, state } }) => [
    id,
    title,
    verdictName(verdict),
    risk,
    state.replaceAll('_', ' '),
  ])
  const lines = rows.length > 0 ? [table(rows, { grow: 1, indent: 0 })] : []
  if (next !== null) {
    const kept = `${flags.limit === undefined ? '' : ` --limit ${flags.limit}`}${flags.search === undefined ? '' : ` --search ${shellQuote(oneLine(flags.search))}`}`
    lines.push(`  ${paint('cyan', `singularity inbox${kept} --cursor ${next}`)}   goes on`)
  }
  for (const { id, text, candidate_id: candidate, run_id: run, asked_by: by } of questions)
    lines.push(
      `question ${id} ${candidate === null ? `of ${oneLine(by)} in ${run}` : `about ${candidate}`}: ${oneLine(text)}`,
      `  ${paint('cyan', `singularity answer ${id} TEXT`)}`,
    )
  if (candidates[0])
    lines.push(
      '',
      total === 1 ? '1 candidate waits:' : `${total} candidates wait:`,
      `  ${paint('cyan', `singularity show ${candidates[0].candidate.id}`)}`,
      `  ${paint('cyan', `singularity approve ${candidates[0].candidate.id}`)}`,
      `  ${paint('cyan', `singularity reject ${candidates[0].candidate.id} --reason TEXT`)}`,
    )
  if (refused.length > 0)
    lines.push(
      '',
      'Refused, the tests were weakened:',
      table(
        refused.map(({ candidate: { id, title } }) => [id, title]),
        { grow: 1 },
      ),
      `  ${paint('cyan', `singularity approve ${refused[0]!.candidate.id} --override REASON`)}`,
    )
  return `${lines.join('\n').trimStart()}\n`
}
