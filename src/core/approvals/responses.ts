import { asObject, messageOf, parseJson } from '../kernel/index.ts'
import type { Message, MessageHandler } from '../queue/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Approvals } from './approvals.ts'

type Bound = { candidateId: string; token: string; diffHash: string; by: string }

export type ResponseDeps = {
  approvals: Approvals
  /** Carries out a yes or a no: lands, or declines. */
  decide: (decision: Bound & { approved: boolean; reason: string | null }) => Promise<void>
  /** Puts down an answer and wakes whoever waits for it. @throws STATE_CONFLICT */
  answer: (questionId: string, by: string, text: string) => Promise<void>
  log: Logger
}

const DECISIONS: Readonly<Record<string, boolean>> = { approved: true, approve: true, rejected: false, reject: false }

/**
 * Answers that other programs send: `approval_responses` {candidate_id, decision, token, diff_hash, by, reason} and
 * `question_responses` {candidate_id, question_id, answer, token, diff_hash, by}. Without the one-time token of the candidate's open
 * request and its exact diff nothing happens but a line in the log. What a model asks in a conversation has no diff yet, and a token of
 * its own: {question_id, answer, token, by}.
 */
export function createResponseHandlers(deps: ResponseDeps): MessageHandler[] {
  const { approvals, log } = deps

  function refuse(queue: string, message: Message, why: string, candidateId: string | null): void {
    log.warn('response refused', { queue, message: message.id, candidate: candidateId, why })
    if (candidateId !== null) approvals.refuse(candidateId, { queue, message: message.id, why })
  }

  async function answered(queue: string, message: Message, act: (bound: Bound, fields: Fields) => Promise<string | null>): Promise<object> {
    const fields = fieldsOf(message.body)
    const bound = boundOf(fields)
    if (bound === null) refuse(queue, message, 'candidate_id, token and diff_hash are needed', null)
    else if (!approvals.isOpenWith(bound.candidateId, bound.token, bound.diffHash))
      refuse(queue, message, 'the token or the diff is not the one that was asked about', bound.candidateId)
    else {
      const problem = await act(bound, fields).catch((error: unknown) => messageOf(error))
      if (problem !== null) refuse(queue, message, problem, bound.candidateId)
    }
    return {}
  }

  /** Whether the message was about a question of a conversation: carried out, or refused. */
  async function answeredInRun(message: Message): Promise<boolean> {
    const { question_id: id, token, answer, by } = fieldsOf(message.body)
    const known = typeof id === 'string' ? approvals.knowsToken(id, typeof token === 'string' ? token : '') : null
    if (known === null) return false
    const who = typeof by === 'string' && by.trim() !== '' ? by : 'message'
    let problem: string | null = 'the token is not the one that was asked with'
    if (known && (typeof answer !== 'string' || answer.trim() === '')) problem = 'answer is missing'
    else if (known)
      problem = await deps.answer(id as string, who, answer as string).then(
        () => null,
        (error: unknown) => messageOf(error),
      )
    if (problem !== null) log.warn('response refused', { queue: 'question_responses', message: message.id, question: id, why: problem })
    return true
  }

  return [
    {
      queue: 'approval_responses',
      take: (message) =>
        answered('approval_responses', message, async (bound, { decision, reason }) => {
          const approved = typeof decision === 'string' && Object.hasOwn(DECISIONS, decision) ? DECISIONS[decision] : undefined
          if (approved === undefined) return 'decision is neither approved nor rejected'
          await deps.decide({ ...bound, approved, reason: typeof reason === 'string' ? reason : null })
          return null
        }),
    },
    {
      queue: 'question_responses',
      async take(message) {
        if (await answeredInRun(message)) return {}
        return answered('question_responses', message, async ({ candidateId, by }, { question_id: id, answer }) => {
          if (typeof answer !== 'string' || answer.trim() === '') return 'answer is missing'
          const open = approvals.questions(candidateId).filter((each) => each.answered_at === null && (id === undefined || each.id === id))
          if (open.length !== 1) return open.length === 0 ? 'no such open question' : 'question_id is needed: several are open'
          await deps.answer(open[0]!.id, by, answer)
          return null
        })
      },
    },
  ]
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (body: string): Fields => asObject(parseJson(body))

function boundOf({ candidate_id: candidateId, token, diff_hash: diffHash, by }: Fields): Bound | null {
  if (typeof candidateId !== 'string' || typeof token !== 'string' || typeof diffHash !== 'string') return null
  return { candidateId, token, diffHash, by: typeof by === 'string' && by.trim() !== '' ? by : 'message' }
}
