import { formatDuration, oneLine, printable } from '../../core/kernel/index.ts'
import type { AttemptRow, AwaitedResponse, JobStatus, RequestShown, RequestSummary } from '../../core/queue/index.ts'
import { type Paint, paint } from '../_cli/paint.ts'
import { table } from './text.ts'

const COLOR: Readonly<Record<JobStatus, Paint>> = { pending: 'dim', processing: 'cyan', completed: 'green', failed: 'red' }
const NUSD = 1e9

/** A status with its colour, in the width of the longest. */
export function statusText(status: JobStatus, width = 0): string {
  return paint(COLOR[status], status.padEnd(width))
}

/** Nano-dollars as dollars with four digits that count. */
export function money(nusd: number): string {
  return nusd === 0 ? '$0' : `$${Number((nusd / NUSD).toPrecision(4))}`
}

export function presentRequests(requests: readonly RequestSummary[], next: string | null, now: number): string {
  if (requests.length === 0) return 'No requests.  singularity queue enqueue FILE\n'
  const rows = requests.map(({ id, status, task_type: task, agent_id: agent, created_at: at, attempts, error_message: error }) => [
    id,
    status,
    oneLine(task),
    oneLine(agent),
    formatDuration(Math.max(0, now - Date.parse(at))),
    attempts > 1 ? `${attempts} tries` : '',
    oneLine(error ?? ''),
  ])
  const shown = table(rows, {
    grow: 6,
    indent: 0,
    paint: (row, column, text) => (column === 1 ? paint(COLOR[requests[row]!.status], text) : text),
  })
  return next === null ? shown : `${shown}\n  ${paint('cyan', `singularity queue list --cursor ${next}`)}   goes on`
}

/** A request, what came of it, and what each try cost. */
export function presentRequest({ request, attempts, steps, error }: RequestShown): string {
  const lines = [
    `${request.id}  ${statusText(request.status)}`,
    `  ${oneLine(request.task_type)}, ${request.complexity}, for ${oneLine(request.agent_id)}, ${request.created_at}`,
  ]
  if (request.error_message !== null) lines.push(`  ${paint('red', oneLine(request.error_message))}`)
  for (const { path, message } of errorsOf(request.validation_errors)) lines.push(`  ${paint('red', oneLine(path))} ${oneLine(message)}`)
  if (error?.model) lines.push(`  ${paint('dim', oneLine(`${error.kind}, ${error.reason}: ${error.provider}, ${error.model}`))}`)
  if (attempts.length > 0) lines.push('', table(attempts.map(attemptCells), { grow: 3 }))
  if (steps.length > 0) lines.push('', `  ${paint('dim', steps.map(({ step, ms }) => `${step} ${formatDuration(ms)}`).join(', '))}`)
  if (request.response !== null) lines.push('', printable(request.response))
  return lines.join('\n')
}

function attemptCells({ n, step, model, kind, reason, cost_nusd: cost, ms }: AttemptRow): string[] {
  return [String(n), step, oneLine(model), kind === null ? 'answered' : `${kind}: ${reason ?? ''}`, money(cost), formatDuration(ms)]
}

function errorsOf(value: unknown): { path: string; message: string }[] {
  const rows = Array.isArray(value) ? (value as Record<string, unknown>[]) : []
  return rows.map((row) => ({ path: String(row['path'] ?? row['field'] ?? ''), message: String(row['message'] ?? '') }))
}

/** What follows for a run that nobody waits for. */
export function presentDetachedRun({ id, workers }: { id: string; workers: number }): string {
  const commands = [...(workers > 0 ? [] : ['singularity queue work']), `singularity queue await ${id} --timeout 1h`, 'singularity runs']
  const lines = commands.map((command) => `  ${paint('cyan', command, process.stderr)}`)
  return [workers > 0 ? 'A worker makes the run:' : 'No worker is running: the run waits until one does.', ...lines].join('\n')
}

/** One answer as it is; of several, one line each. */
export function presentResponses(responses: readonly AwaitedResponse[]): string {
  const [only] = responses
  if (responses.length === 1 && only?.status === 'completed') return printable(textOf(only.result))
  return responses
    .map(({ id, status, result, error_message: error }) => `${id}  ${statusText(status, 10)}  ${oneLine(error ?? textOf(result))}`)
    .join('\n')
}

function textOf(result: unknown): string {
  return typeof result === 'string' ? result : JSON.stringify(result, null, 2)
}
