import type { FileChange, Git } from '../git/index.ts'
import { SingularityError, digest, oneLine } from '../kernel/index.ts'
import { type StoredRequest, type StoredResult, nearestTo, requestHash } from '../llm/index.ts'
import type { Recording } from '../improvement/index.ts'
import { type CompleteTurn, MOST_CHECKS, type RecordedPrograms } from './loop.ts'
import { OUTPUT_PREFIX } from './output.ts'
import type { CheckedCall } from './params.ts'
import { whatFailed } from './reply.ts'
import { type AgentSession, messagesOf } from './transcript.ts'
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
    /** Left out where no program of the turn could change anything. */
    changes?: readonly RecordedChange[]
  }[]
  /** Over everything above. */
  digest: string
}

/** A file that a turn with programs left: its bytes in base64, null where it is gone, and the file of the base it stands for. */
type RecordedChange = { path: string; content: string | null; mode: NonNullable<FileChange['mode']> | null; base: string | null }

/** The conversation for the record, with what its programs wrote: whoever replays it starts none. */
export async function recordingOf(
  session: AgentSession,
  git: Pick<Git, 'changedFiles' | 'reader'>,
): Promise<RecordedConversation & Recording> {
  const changes = await Promise.all(
    session.turns.map(async ({ results, checkpoint }, index) => {
      const before = session.turns[index - 1]?.checkpoint ?? null
      return results.some(({ tool }) => tool === 'run') && checkpoint !== before
        ? changesBetween(git, session.base, before ?? session.base, checkpoint ?? session.base)
        : null
    }),
  )
  const body = {
    schema: 'singularity.conversation/1' as const,
    session: session.id,
    goal: session.goal,
    base: session.base,
    ordinal: session.ordinal,
    opening: session.opening,
    turns: session.turns.map(({ turn, requestHash: hash, answer, results, note, checkpoint }, index) => ({
      turn,
      request_hash: hash,
      answer,
      results,
      note,
      checkpoint,
      ...(changes[index] && { changes: changes[index] }),
    })),
  }
  return { ...body, digest: digest(body) }
}

async function changesBetween(
  git: Pick<Git, 'changedFiles' | 'reader'>,
  base: string,
  from: string,
  to: string,
): Promise<RecordedChange[]> {
  const changed = await git.changedFiles(from, to)
  const paths = new Set(changed.flatMap(({ path, oldPath }) => (oldPath === null ? [path] : [oldPath, path])))
  return Promise.all(
    [...paths].map(async (path) => {
      const entry = await git.reader(to).entry(path)
      const content = (await git.reader(to).read(path))?.toString('base64') ?? null
      const mode = content === null || !entry || entry.mode === '160000' ? null : entry.mode
      return { path, content, mode, base: (await git.reader(base).entry(path))?.oid ?? null }
    }),
  )
}

function isConversation(recording: Recording): recording is RecordedConversation & Recording {
  return recording['schema'] === 'singularity.conversation/1' && Array.isArray(recording['turns'])
}

/** How the conversation of an attempt began; empty where the record has none. */
export function openingIn(recordings: readonly Recording[], ordinal: number): AgentSession['opening'] {
  return recordings.filter(isConversation).find((recording) => recording.ordinal === ordinal)?.opening ?? []
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

/** What came into a recorded conversation from outside: by programs, by the check of the change, by a person. */
export type ReplayedConversation = RecordedPrograms & {
  /** What a person answered. Records of earlier versions hold what was said then instead of an answer. @throws REPLAY_MISS */
  answer(asked: { turn: number; callId: string; text: string }): Promise<string>
  /** What the check said of the change; undefined where the record does not tell, because the model was not told. */
  check(turn: number): string | null | undefined
}

/**
 * One attempt of the record. Reads, searches and edits are made again; the results of programs are the recorded ones, by turn and
 * call: runners print in the order tests end, times, paths.
 */
export function replayConversation(
  recordings: readonly Recording[],
  { ordinal, base, git }: { ordinal: number; base: string; git: Pick<Git, 'reader'> },
): ReplayedConversation {
  const turns = recordings.filter(isConversation).find((recording) => recording.ordinal === ordinal)?.turns ?? []
  const resultOf = (turn: number, callId: string, tool: string) =>
    turns[turn]?.results.find((result) => result.id === callId && result.tool === tool)
  return {
    resultOf(turn, call) {
      if (!isOfProgram(call)) return null
      const found = resultOf(turn, call.id, call.tool)
      if (found) return found
      throw new SingularityError('REPLAY_MISS', `Turn ${turn + 1} of the recording holds no result of ${call.tool} ${call.id}.`)
    },
    async changesOf(turn) {
      const changes = turns[turn]?.changes ?? []
      for (const { path, base: recorded } of changes)
        if (((await git.reader(base).entry(path))?.oid ?? null) !== recorded)
          throw new SingularityError(
            'REPLAY_MISS',
            `A program of turn ${turn + 1} of the recording changed ${path}, which is another file here.`,
          )
      return changes.map(({ path, content, mode }) => ({
        path,
        content: content === null ? null : Buffer.from(content, 'base64'),
        ...(mode !== null && { mode }),
      }))
    },
    answer({ turn, callId, text }) {
      const found = resultOf(turn, callId, 'ask')
      if (found) return Promise.resolve(found.content)
      return Promise.reject(new SingularityError('REPLAY_MISS', `No recorded answer belongs to the question: ${oneLine(text)}`))
    },
    check(turn) {
      const told = turns.slice(0, turn + 1).map(({ results, note }) => whatFailed(results, note))
      return told.at(-1) ?? (told.filter((each) => each !== null).length < MOST_CHECKS - 1 ? null : undefined)
    },
  }
}

/** Also what is read of a long output: the record holds the head and the tail of it, and what was read. */
function isOfProgram({ tool, params }: CheckedCall): boolean {
  return tool === 'run' || (tool === 'read' && String(params['path']).startsWith(OUTPUT_PREFIX))
}

type RecordedTurn = RecordedConversation['turns'][number]

function toTurn({ turn, request_hash: hash, answer, results, note, checkpoint }: RecordedTurn): AgentSession['turns'][number] {
  return { turn, requestId: '', requestHash: hash, answer, results, note, reads: {}, checkpoint }
}

function textOf(messages: StoredRequest['messages']): string[] {
  return messages.flatMap(({ role, content }) => content.split('\n').map((line) => `${role}: ${line}`))
}
