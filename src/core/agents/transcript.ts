import { type Clock, SingularityError, digest, isoTime, newUuid, sha256 } from '../kernel/index.ts'
import type { RequestMessage, StoredRequest, StoredResult } from '../llm/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import { SQL } from './sql.ts'
import type { ToolResult } from './turn.ts'

/** One turn as it is stored: everything that is needed to go on from there. */
export type Turn = {
  turn: number
  requestId: string
  requestHash: string
  answer: StoredResult
  results: readonly ToolResult[]
  note: string | null
  reads: Readonly<Record<string, string>>
  /** The commit that holds the tree after this turn; null where it is still the base. */
  checkpoint: string | null
}

export type AgentSession = {
  id: string
  runId: string
  goal: string
  base: string
  ordinal: number
  opening: readonly RequestMessage[]
  turns: Turn[]
  /** What it said when it was done; null while it goes on. */
  summary: string | null
}

export type StopReason = 'done' | 'refused' | 'turns' | 'tokens' | 'money' | 'time' | 'repeated' | 'stalled' | 'question' | 'interrupted'

type SessionRow = Record<'id' | 'run_id' | 'group_id' | 'goal' | 'base' | 'opening' | 'state' | 'pid_start' | 'boot_id', string> & {
  ordinal: number
  pid: number
  summary: string | null
}
type TurnRow = Record<'request_id' | 'request_hash' | 'answer' | 'results' | 'reads', string> & {
  turn: number
  note: string | null
  checkpoint: string | null
}

export type Transcripts = ReturnType<typeof createTranscripts>

/**
 * The id of a turn's request follows from the session and what is asked: who comes again after a crash finds the paid answer under it,
 * who asks with other limits has another request.
 */
export function turnRequestId(sessionId: string, turn: number, request: StoredRequest): string {
  const hex = sha256(`${sessionId}:${turn}:${digest(request)}`)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Sessions and their turns in state.db. A turn is written before the next call is made. */
export function createTranscripts({ db, clock }: { db: Database; clock: Clock }) {
  const now = (): string => isoTime(clock)

  const toTurn = (row: TurnRow): Turn => ({
    turn: row.turn,
    requestId: row.request_id,
    requestHash: row.request_hash,
    answer: JSON.parse(row.answer) as StoredResult,
    results: JSON.parse(row.results) as ToolResult[],
    note: row.note,
    reads: JSON.parse(row.reads) as Record<string, string>,
    checkpoint: row.checkpoint,
  })
  const toSession = (row: SessionRow): AgentSession => ({
    id: row.id,
    runId: row.run_id,
    goal: row.goal,
    base: row.base,
    ordinal: row.ordinal,
    opening: JSON.parse(row.opening) as RequestMessage[],
    turns: db.all<TurnRow>(SQL.turnsOf, row.id).map(toTurn),
    summary: row.state === 'done' ? row.summary : null,
  })

  return {
    /** The attempts a new run of this task goes on with; its own id where there are none. */
    groupOf(taskKey: string, runId: string, owner: ProcessIdentity, isAlive: (owner: ProcessIdentity) => boolean): string {
      const left = db.get<SessionRow>(SQL.unfinishedGroup, taskKey, runId)
      return left && mayTake(left, owner, isAlive) ? left.group_id : runId
    },

    /** Goes on with an attempt that a process which is gone left, also a complete one whose proof was cut off; or opens a new one. */
    open(
      task: {
        runId: string
        groupId: string
        taskKey: string
        goal: string
        base: string
        ordinal: number
        opening: () => readonly RequestMessage[]
      },
      owner: ProcessIdentity,
    ): AgentSession {
      const { runId, groupId, taskKey, goal, base, ordinal } = task
      const self = [owner.pid, owner.pidStart, owner.bootId] as const
      return db.transaction(() => {
        const left = db.get<SessionRow>(SQL.sessionInGroup, taskKey, groupId, ordinal)
        if (left && db.run(SQL.adoptSession, runId, ...self, left.id, left.pid, left.pid_start, left.boot_id) === 1)
          return { ...toSession(left), runId }
        const id = newUuid(clock)
        db.run(SQL.insertSession, id, runId, groupId, taskKey, goal, base, ordinal, JSON.stringify(task.opening()), ...self, now())
        return toSession(db.get<SessionRow>(SQL.sessionById, id)!)
      })
    },

    addTurn(session: AgentSession, turn: Turn): void {
      const texts = [JSON.stringify(turn.answer), JSON.stringify(turn.results), turn.note, JSON.stringify(turn.reads), turn.checkpoint]
      db.run(SQL.addTurn, session.id, turn.turn, turn.requestId, turn.requestHash, ...texts, now())
      session.turns.push(turn)
    },

    /** The last turn again, with the answers its questions have got. */
    answerTurn(session: AgentSession, results: readonly ToolResult[]): void {
      const turn = session.turns.pop()!
      db.run(SQL.answerTurn, JSON.stringify(results), session.id, turn.turn)
      session.turns.push({ ...turn, results })
    },

    /** A session that reached a limit of money or time stays open: it can go on. */
    finish(session: AgentSession, end: { stop: StopReason; summary: string | null; tree: string | null }): void {
      const state = end.stop === 'done' ? 'done' : 'stopped'
      db.run(SQL.finishSession, state, end.stop, end.summary, end.tree, now(), session.id)
    },

    /** The conversation that made a tree in a run. */
    ofTree(runId: string, tree: string): AgentSession | null {
      const row = db.get<SessionRow>(SQL.sessionOfTree, runId, tree)
      return row ? toSession(row) : null
    },

    /** The last finished conversation of a run. */
    lastOf(runId: string): AgentSession | null {
      const row = db.get<SessionRow>(SQL.lastSessionOf, runId)
      return row ? toSession(row) : null
    },
  }
}

function mayTake(row: SessionRow, owner: ProcessIdentity, isAlive: (owner: ProcessIdentity) => boolean): boolean {
  const before: ProcessIdentity = { pid: row.pid, pidStart: row.pid_start, bootId: row.boot_id }
  const isOurs = before.pid === owner.pid && before.pidStart === owner.pidStart && before.bootId === owner.bootId
  return isOurs || !isAlive(before)
}

/** What a session has cost so far. */
export function spentBy(turns: readonly Turn[]): { nusd: number; tokens: number } {
  return {
    nusd: turns.reduce((sum, { answer }) => sum + answer.cost_nusd, 0),
    tokens: turns.reduce((sum, { answer }) => sum + (answer.usage?.total_tokens ?? 0), 0),
  }
}

/** The conversation as the next request carries it. @throws INTERNAL */
export function messagesOf(session: Pick<AgentSession, 'opening' | 'turns'>): RequestMessage[] {
  if (session.opening.length === 0) throw new SingularityError('INTERNAL', 'A conversation without an opening.')
  return [
    ...session.opening,
    ...session.turns.flatMap(({ answer, results, note }): RequestMessage[] => [
      {
        role: 'assistant',
        content: answer.response,
        ...(answer.tool_calls.length > 0 && { tool_calls: answer.tool_calls }),
        ...(answer.state && { state: answer.state }),
      },
      ...results
        .filter(({ id }) => answer.tool_calls.some((call) => call.id === id))
        .map(({ id, content, error }): RequestMessage => ({
          role: 'tool',
          tool_call_id: id,
          content,
          ...(error !== null && { is_error: true }),
        })),
      ...(note === null ? [] : [{ role: 'user' as const, content: note }]),
    ]),
  ]
}
