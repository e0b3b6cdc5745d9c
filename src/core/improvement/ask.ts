import type { Question } from '../approvals/index.ts'
import { EXIT, SingularityError, oneLine, plural } from '../kernel/index.ts'
import { improveCommand } from './again.ts'
import type { CandidateState, ImproveOutcome } from './data.ts'
import type { GoalTask } from './goal.ts'
import type { Start } from './open.ts'
import { improveData } from './report.ts'
import type { ImprovementDeps, Session } from './session.ts'

/** How far somebody is waited for: by default not at all, what has to be asked waits in the state. */
export type Patience = {
  /** Longest time others may take for an answer or a decision, ms. */
  waitMs: number
  /** Asks the person at this terminal; null where they do not answer. */
  ask?: (question: Question, signal: AbortSignal) => Promise<{ by: string; text: string } | null>
}

/**
 * Puts down what a model asks in a conversation, and waits for the answer: of the person at the terminal, of another terminal or of a
 * message, whichever comes first. Null where it does not come now.
 */
export async function askPerson(session: Session, asked: Parameters<GoalTask['ask']>[0]): Promise<string | null> {
  const { deps, run, observe, patience } = session
  const { approvals } = deps
  const question = approvals.askInRun({ ...asked, runId: run.id })
  const answer = (): string | null => approvals.question(question.id)?.answer ?? null
  if (answer() !== null || !patience) return answer()
  observe({ type: 'phase', phase: 'sources', detail: `waiting for an answer: singularity answer ${question.id} TEXT` })
  const settled = new AbortController()
  const signal = AbortSignal.any([session.signal, session.stopSoon, settled.signal])
  const waits = (timeoutMs: number | null): Promise<boolean> => deps.waitUntil(() => answer() !== null, { timeoutMs, signal })
  try {
    if (!patience.ask) await waits(patience.waitMs)
    else if (!(await Promise.race([waits(null), typed(session, question, signal)])) && patience.waitMs > 0) await waits(patience.waitMs)
    return answer()
  } finally {
    settled.abort()
  }
}

/** Whether the person at the terminal has answered; somebody else may have been faster. */
async function typed({ deps: { approvals }, patience }: Session, { id, ...rest }: Question, signal: AbortSignal): Promise<boolean> {
  const said = await patience!.ask!({ id, ...rest }, signal)
  if (said === null) return false
  if (approvals.question(id)?.answer === null) approvals.answer(id, said.by, said.text)
  return true
}

export function unanswered({ deps, run, request, signal, stopSoon }: Session, sessionId: string): SingularityError {
  if (signal.aborted || stopSoon.aborted) return new SingularityError('INTERRUPTED', 'Stopped by a signal.')
  const open = deps.approvals.openQuestions().filter((each) => each.session_id === sessionId)
  const again = run.jobId === null ? improveCommand(request, deps.git.repository.prefix, '') : 'singularity queue work'
  return new SingularityError('PERSON_NEEDED', `The model asks: ${open.map(({ text }) => oneLine(text)).join(' ')}`, {
    hints: [...open.map(({ id }) => `singularity answer ${id} TEXT`), again],
    data: { run: run.id, questions: open.map(({ id, text }) => ({ id, text })) },
  })
}

/** What may still come to an end by itself or by somebody else. */
const OPEN: ReadonlySet<CandidateState> = new Set(['awaiting_approval', 'approved', 'landing'])

/**
 * Waits for what others decide about the candidates of a run: another terminal, or a message, which is carried out here. What is left
 * when the time is over waits on, and the exit code says so.
 */
export async function waitForDecisions(deps: ImprovementDeps, outcome: ImproveOutcome, start: Start): Promise<ImproveOutcome> {
  const { patience, observe } = start
  const { store } = deps
  const { id } = outcome.data.run
  const open = (): string[] => store.candidatesOf(id).flatMap((candidate) => (OPEN.has(candidate.state) ? [candidate.id] : []))
  const waiting = open()
  if (!patience || patience.waitMs === 0 || patience.ask || waiting.length === 0 || outcome.failure) return outcome
  const detail = `waiting for ${plural(waiting.length, 'decision')}: singularity approve ${waiting.join(' ')}`
  observe({ type: 'phase', phase: 'decide', detail })
  const signal = AbortSignal.any([start.signal, start.stopSoon])
  const settled = await deps.waitUntil(() => open().length === 0, { timeoutMs: patience.waitMs, signal })
  const data = improveData(store.run(id), store.candidatesOf(id))
  return { data, exitCode: settled && outcome.exitCode === EXIT.personNeeded ? EXIT.done : outcome.exitCode }
}
