import { SingularityError, digest, oneLine } from '../kernel/index.ts'
import { type StoredRequest, type StoredResult, nearestTo } from '../llm/index.ts'
import type { Recording } from '../improvement/index.ts'
import type { CompleteTurn } from './loop.ts'
import { type AgentSession, messagesOf, requestHash } from './transcript.ts'
import type { ToolResult } from './turn.ts'

/** A whole conversation, as the record of a run keeps it. */
export type RecordedConversation = {
  schema: 'singularity.conversation/1'
  session: string
  goal: string
  base: string
  ordinal: number
  opening: AgentSession['opening']
  turns: readonly {
    turn: number
    request_hash: string
    answer: StoredResult
    results: readonly ToolResult[]
    note: string | null
    checkpoint: string | null
  }[]
  /** Over everything above. */
  digest: string
}

export function recordingOf(session: AgentSession): RecordedConversation & Recording {
  const body = {
    schema: 'singularity.conversation/1' as const,
    session: session.id,
    goal: session.goal,
    base: session.base,
    ordinal: session.ordinal,
    opening: session.opening,
    turns: session.turns.map(({ turn, requestHash: hash, answer, results, note, checkpoint }) => ({
      turn,
      request_hash: hash,
      answer,
      results,
      note,
      checkpoint,
    })),
  }
  return { ...body, digest: digest(body) }
}

function isConversation(recording: Recording): recording is RecordedConversation & Recording {
  return recording['schema'] === 'singularity.conversation/1' && Array.isArray(recording['turns'])
}

/** What of a record's conversations does not hold together; looks at nothing but them. */
export function problemsOf(recordings: readonly Recording[]): string[] {
  return recordings.flatMap((recording, index) => {
    if (!isConversation(recording)) return [`Conversation ${index + 1} has an unknown form.`]
    const { digest: told, ...body } = recording
    if (digest(body) !== told) return [`Conversation ${index + 1} was altered: its digest does not match.`]
    return recording.turns.flatMap(({ turn }, at) => (turn === at ? [] : [`Conversation ${index + 1} lacks turn ${at}.`]))
  })
}

/**
 * Answers requests from recorded conversations and never asks anybody. The recorded answer belongs to one exact request: with other
 * sources, tools or prompts there is none.
 * @throws REPLAY_MISS naming the nearest recorded request; RECORD_INVALID
 */
export function replayTurns(recordings: readonly Recording[]): CompleteTurn {
  const problems = problemsOf(recordings)
  if (problems.length > 0) throw new SingularityError('RECORD_INVALID', problems[0]!)
  const known = recordings.filter(isConversation).flatMap((recording) =>
    recording.turns.map((turn, index) => ({
      name: `turn ${index + 1} of conversation ${recording.session}`,
      hash: turn.request_hash,
      answer: turn.answer,
      lines: textOf(messagesOf({ opening: recording.opening, turns: recording.turns.slice(0, index).map((each) => toTurn(each)) })),
    })),
  )
  return (request) => {
    const hash = requestHash(request)
    const found = known.find((each) => each.hash === hash)
    if (found) return Promise.resolve({ ...found.answer, cost_nusd: 0, cached: true })
    const nearest = nearestTo(textOf(request.messages), known)
    const hint = nearest === null ? 'The recording is empty.' : `The nearest is ${nearest.name}; it differs first in: ${nearest.difference}`
    return Promise.reject(new SingularityError('REPLAY_MISS', `No recorded answer belongs to this request. ${hint}`, { data: { hash } }))
  }
}

/**
 * What a person answered when the conversation was recorded. Records of earlier versions hold what was said then instead of an answer.
 * @throws REPLAY_MISS
 */
export function replayAnswers(
  recordings: readonly Recording[],
): (asked: { turn: number; callId: string; text: string }) => Promise<string> {
  const turns = recordings.filter(isConversation).flatMap((recording) => recording.turns)
  return ({ turn, callId, text }) => {
    const results = turns.filter((each) => each.turn === turn).flatMap((each) => each.results)
    const found = results.find(({ id, tool }) => tool === 'ask' && id === callId)
    if (found) return Promise.resolve(found.content)
    return Promise.reject(new SingularityError('REPLAY_MISS', `No recorded answer belongs to the question: ${oneLine(text)}`))
  }
}

type RecordedTurn = RecordedConversation['turns'][number]

function toTurn({ turn, request_hash: hash, answer, results, note, checkpoint }: RecordedTurn): AgentSession['turns'][number] {
  return { turn, requestId: '', requestHash: hash, answer, results, note, reads: {}, checkpoint }
}

function textOf(messages: StoredRequest['messages']): string[] {
  return messages.flatMap(({ role, content }) => content.split('\n').map((line) => `${role}: ${line}`))
}
