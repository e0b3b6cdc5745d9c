import { randomBytes } from 'node:crypto'
import { type Clock, SingularityError, isoTime, newId, sha256 } from '../kernel/index.ts'
import { createOutbox } from '../queue/index.ts'
import type { Database } from '../storage/index.ts'
import type { Approval, ApprovalStatus, Question } from './approval.ts'
import { SQL } from './sql.ts'

type ApprovalRow = Record<'id' | 'candidate_id' | 'status' | 'diff_hash' | 'evidence_hash' | 'requested_at' | 'expires_at', string> &
  Record<'decided_at' | 'decided_by' | 'via' | 'reason', string | null> & { overrides: number }

function toApproval({ overrides, ...row }: ApprovalRow): Approval {
  return { ...row, status: row.status as ApprovalStatus, overrides: overrides === 1 }
}

export type Approvals = ReturnType<typeof createApprovals>

/** Requests for a yes as rows: bound to an exact diff, answered once, open for a limited time. */
export function createApprovals({ db, clock }: { db: Database; clock: Clock }) {
  const outbox = createOutbox({ db, clock })
  const now = (): string => isoTime(clock)

  function event(name: string, candidateId: string, data: Record<string, unknown>): void {
    db.run(SQL.appendEvent, now(), name, JSON.stringify(data), candidateId)
  }

  function runEvent(name: string, runId: string, data: Record<string, unknown>): void {
    db.run(SQL.appendRunEvent, now(), name, runId, JSON.stringify(data))
  }

  function latest(candidateId: string): Approval | null {
    const row = db.get<ApprovalRow>(SQL.latestOf, candidateId)
    return row ? toApproval(row) : null
  }

  return {
    latest,

    /** Opens a request; an open one for the same candidate is voided first. The token is kept as a hash; who reads the queue `approval_requests` gets it. */
    request(options: { candidateId: string; diffHash: string; evidenceHash: string; expiresInMs: number }): {
      approval: Approval
      token: string
    } {
      const token = randomBytes(16).toString('hex')
      const id = newId('a', clock)
      const expires = new Date(clock.now() + options.expiresInMs).toISOString()
      db.transaction(() => {
        db.run(SQL.voidOpen, now(), 'replaced by a new request', options.candidateId)
        db.run(SQL.insert, id, options.candidateId, sha256(token), options.diffHash, options.evidenceHash, now(), expires)
        event('approval.requested', options.candidateId, { id, diff_hash: options.diffHash, expires_at: expires })
        outbox.add('approval_requests', id, {
          approval_id: id,
          candidate_id: options.candidateId,
          diff_hash: options.diffHash,
          token,
          requested_at: now(),
          expires_at: expires,
        })
      })
      return { approval: toApproval(db.get<ApprovalRow>(SQL.byId, id)!), token }
    },

    /**
     * Answers the open request of a candidate: exactly one of several racing answers wins.
     * @throws APPROVAL_VOID when the diff, its evidence or the token is not the one that was asked about, STATE_CONFLICT
     * when it is not open any more
     */
    decide(
      candidateId: string,
      decision: {
        status: 'approved' | 'rejected'
        by: string
        via: string
        reason: string | null
        overrides: boolean
        diffHash: string
        evidenceHash: string
        token?: string
      },
    ): Approval {
      return db.transaction(() => {
        const { status, by, via, reason, overrides, diffHash, evidenceHash } = decision
        const token = decision.token === undefined ? null : sha256(decision.token)
        const answer = [status, now(), by, via, reason, overrides ? 1 : 0]
        const changed = db.run(SQL.claim, ...answer, candidateId, diffHash, evidenceHash, now(), token)
        const current = latest(candidateId)
        if (changed === 1) {
          event(`approval.${status}`, candidateId, { id: current!.id, by, via, reason, overrides })
          return current!
        }
        if (current?.status === 'open' && current.expires_at > now())
          throw new SingularityError('APPROVAL_VOID', `Candidate ${candidateId} changed after approval was asked for.`, {
            hints: [`singularity show ${candidateId}`],
          })
        const expired = current?.status === 'open' || current?.status === 'expired'
        throw new SingularityError(
          'STATE_CONFLICT',
          `Candidate ${candidateId} ${expired ? 'was not answered in time' : `is already ${current?.status ?? 'closed'}`}.`,
          {
            hints: [`singularity show ${candidateId}`],
          },
        )
      })
    },

    /** Whether this token and diff are those of the candidate's open request. */
    isOpenWith: (candidateId: string, token: string, diffHash: string): boolean =>
      db.get(SQL.openWith, candidateId, sha256(token), diffHash, now()) !== undefined,

    /** A message that answered with a wrong token, diff or shape. */
    refuse: (candidateId: string, data: Record<string, unknown>): void => event('approval.message_refused', candidateId, data),

    /** Voids the open request of a candidate whose diff or evidence changed. */
    void(candidateId: string, reason: string): number {
      const changed = db.run(SQL.voidOpen, now(), reason, candidateId)
      if (changed > 0) event('approval.void', candidateId, { reason })
      return changed
    },

    /** Closes what was open too long; answers the candidates. */
    expire: (): string[] => db.all<{ candidate_id: string }>(SQL.expire, now(), now()).map((row) => row.candidate_id),

    open: (): Approval[] => db.all<ApprovalRow>(SQL.open).map(toApproval),

    ask(candidateId: string, by: string, text: string): Question {
      const id = newId('q', clock)
      db.transaction(() => {
        db.run(SQL.insertQuestion, id, candidateId, text, by, now())
        event('question.asked', candidateId, { id, by })
        outbox.add('question_requests', id, { question_id: id, candidate_id: candidateId, text, asked_by: by, asked_at: now() })
      })
      return db.get<Question>(SQL.questionById, id)!
    },

    /**
     * What a model asks in a conversation, bound to its run and turn; asked again it is the same question. Who answers by a message
     * needs the token that stands in the queue `question_requests`.
     */
    askInRun(asked: { runId: string; sessionId: string; turn: number; callId: string; by: string; text: string }): Question {
      const { runId, sessionId, turn, callId, by, text } = asked
      const id = newId('q', clock)
      const token = randomBytes(16).toString('hex')
      return db.transaction(() => {
        const made = db.run(SQL.insertRunQuestion, id, runId, sessionId, turn, callId, sha256(token), text, by, now()) === 1
        const question = db.get<Question>(SQL.questionOfCall, sessionId, turn, callId)!
        if (made) {
          runEvent('question.asked', runId, { id, by })
          outbox.add('question_requests', id, {
            question_id: id,
            candidate_id: null,
            run_id: runId,
            text,
            token,
            asked_by: by,
            asked_at: now(),
          })
        } else if (question.run_id !== runId) db.run(SQL.moveQuestion, runId, question.id)
        return { ...question, run_id: runId }
      })
    },

    /** The questions of a conversation are part of what its candidate is about. */
    attach: (sessionId: string, candidateId: string): void => void db.run(SQL.attachQuestions, candidateId, sessionId),

    question: (id: string): Question | null => db.get<Question>(SQL.questionById, id) ?? null,

    /** Whether a question needs a token of its own, and this one is it; null: it is about a candidate, whose token counts. */
    knowsToken(id: string, token: string): boolean | null {
      const row = db.get<{ hash: string }>(SQL.questionToken, id)
      return row ? row.hash === sha256(token) : null
    },

    /** @throws NOT_FOUND, STATE_CONFLICT (answered before) */
    answer(id: string, by: string, text: string): Question {
      return db.transaction(() => {
        if (!db.get(SQL.questionById, id))
          throw new SingularityError('NOT_FOUND', `No question has the id ${id}.`, { hints: ['singularity inbox'] })
        if (db.run(SQL.answer, text, by, now(), id) === 0)
          throw new SingularityError('STATE_CONFLICT', `Question ${id} is already answered.`)
        const question = db.get<Question>(SQL.questionById, id)!
        if (question.candidate_id !== null) event('question.answered', question.candidate_id, { id, by })
        else runEvent('question.answered', question.run_id!, { id, by })
        return question
      })
    },

    questions: (candidateId: string): Question[] => db.all<Question>(SQL.questionsOf, candidateId),
    openQuestions: (): Question[] => db.all<Question>(SQL.openQuestions),
  }
}
