import { join } from 'node:path'
import type { Git } from '../git/index.ts'
import type { CandidateSource, GoalTask, ModelWork, Proposal, Recording } from '../improvement/index.ts'
import { type Clock, SingularityError, digest, messageOf, oneLine, plural } from '../kernel/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import { redactSecrets } from '../telemetry/index.ts'
import { DEFAULT_TOKENS } from './limits.ts'
import { type CompleteTurn, type Conversation, type LoopTask, converse } from './loop.ts'
import { asData, createOutputFiles } from './output.ts'
import { createPaidEdits } from './paid-edits.ts'
import { openingOf, placesIn } from './prompt.ts'
import { type ReplayedConversation, openingIn, problemsOf, recordingOf, replayConversation, replayTurns } from './recording.ts'
import { type AgentSession, type StopReason, createTranscripts, spentBy } from './transcript.ts'

export type ModelWorkDeps = {
  git: Git
  db: Database
  clock: Clock
  process: ProcessIdentity
  isAlive(owner: ProcessIdentity): boolean
  completeTurn: CompleteTurn
  /** Our folder for long outputs of tools, below the state folder. */
  outputsDir: string
  /** Values of the user's environment that no model may see. */
  secrets: readonly string[]
  /** Whether a model, as its answers name it, is one that only writes whole files. */
  writesWhole?(model: string): Promise<boolean>
  /** Where a search for a goal leads in this commit: places as `path:line symbol`, best first. */
  findPlaces?(goal: string, base: string, paths: readonly string[]): Promise<string[]>
  /** Tokens of one conversation, at most. */
  tokens?: number
}

/** Stops after which the conversation can go on with more time or money. */
const MAY_GO_ON: ReadonlySet<StopReason> = new Set(['money', 'time', 'question', 'interrupted'])
const MONEY: ReadonlySet<string> = new Set(['BUDGET_REACHED'])

type Attempt = { conversation: Conversation; session: AgentSession }

/** Candidates made by a model: `n` conversations over one goal, one budget; each that changed something is a candidate of its own. */
export function createModelWork(deps: ModelWorkDeps): ModelWork & {
  paidEdits: ReturnType<typeof createPaidEdits>
} {
  const transcripts = createTranscripts(deps)
  const paidEdits = createPaidEdits(deps)

  return {
    source: (task) => createModelSource(deps, transcripts, task),
    async kept(candidate) {
      // a part that was kept has another tree than its conversation; its run is the same
      const session = transcripts.ofTree(candidate.runId, await deps.git.treeOf(candidate.commit)) ?? transcripts.lastOf(candidate.runId)
      if (session) await paidEdits.store(candidate, session)
    },
    problems: async (recordings) => problemsOf(recordings),
    paidEdits,
  }
}

function createModelSource(deps: ModelWorkDeps, transcripts: ReturnType<typeof createTranscripts>, task: GoalTask): CandidateSource {
  const { git } = deps
  const { goal } = task
  const answers = task.recordings === null ? deps.completeTurn : replayTurns(task.recordings)

  const answerOf =
    (session: AgentSession, replayed: ReplayedConversation | null): LoopTask['answer'] =>
    async (asked) => {
      if (replayed) return replayed.answer(asked)
      const text = await task.ask({ ...asked, sessionId: session.id, by: session.turns.at(-1)?.answer.model ?? 'a model' })
      return text === null ? null : asData('ask', redactSecrets(text, deps.secrets))
    }

  const taskKeyOf = (base: string): string => digest({ key: task.key, base, model: goal.model, replayed: task.recordings !== null })

  async function attempt(
    ordinal: number,
    context: Parameters<CandidateSource['find']>[0],
    before: readonly string[],
    spent: number,
    groupId: string,
  ) {
    const { base, paths, signal, onProgress } = context
    const places = task.recordings
      ? placesIn(openingIn(task.recordings, ordinal))
      : ((await deps.findPlaces?.(goal.text, base, paths)) ?? []).map((place) => redactSecrets(oneLine(place), deps.secrets))
    const session = transcripts.open(
      {
        runId: task.runId,
        groupId,
        taskKey: taskKeyOf(base),
        goal: goal.text,
        base,
        ordinal,
        opening: () =>
          openingOf({ goal: goal.text, paths, suites: task.suites, canRun: task.jailed, failures: [...task.failures, ...before], places }),
      },
      deps.process,
    )
    if (session.summary !== null) return { conversation: conversationOf(session), session }
    if (session.turns.length > 0) onProgress?.(`going on after turn ${session.turns.length}`)
    const sandbox = await task.sandboxes.create({ commit: base, purpose: 'edit', runId: task.runId, profile: await task.profile() })
    try {
      const changed = async (): Promise<string[]> => (await sandbox.collectChanges()).map(({ path }) => path)
      const recorded = task.recordings && replayConversation(task.recordings, { ordinal, base, git })
      const check = async (turn: number, stop?: AbortSignal): Promise<string | null> => {
        const told = recorded?.check(turn)
        return told === undefined ? task.check(sandbox, await changed(), stop) : told
      }
      const conversation = await converse(
        { git, clock: deps.clock, transcripts, completeTurn: answers },
        {
          session,
          sandbox,
          canRun: task.jailed,
          secrets: deps.secrets,
          outputs: createOutputFiles(join(deps.outputsDir, session.id)),
          paths,
          writesWhole: async (model) => (await deps.writesWhole?.(model)) ?? false,
          limits: {
            turns: goal.maxIterations,
            timeMs: task.timeMs,
            tokens: deps.tokens ?? DEFAULT_TOKENS,
            nusd: goal.budgetNusd === null ? null : goal.budgetNusd - spent + spentBy(session.turns).nusd,
          },
          model: goal.model,
          run: goal.budgetNusd === null ? null : { id: groupId, cap_nusd: goal.budgetNusd },
          answer: answerOf(session, recorded),
          check: task.jailed ? check : null,
          recorded,
          ...(signal && { signal }),
          ...(onProgress && { onProgress: (text) => onProgress(goal.n > 1 ? `attempt ${ordinal + 1} of ${goal.n}: ${text}` : text) }),
        },
      )
      const tree = conversation.commit === null ? null : await git.treeOf(conversation.commit)
      if (!MAY_GO_ON.has(conversation.stop)) transcripts.finish(session, { stop: conversation.stop, summary: conversation.summary, tree })
      return { conversation, session }
    } finally {
      await sandbox.discard()
    }
  }

  return {
    kind: 'model',
    async find(context) {
      const made: Attempt[] = []
      const notes: string[] = []
      const failures: string[] = []
      let spent = 0
      let thrown: unknown
      const groupId = transcripts.groupOf(taskKeyOf(context.base), task.runId, deps.process, deps.isAlive)
      for (let ordinal = 0; ordinal < goal.n && thrown === undefined; ordinal++) {
        try {
          const { conversation, session } = await attempt(ordinal, context, failures, spent, groupId)
          // what the others have made is found again by who goes on
          if (conversation.stop === 'question') throw task.unanswered(session.id)
          made.push({ conversation, session })
          spent += spentBy(session.turns).nusd
          failures.push(...toldToNext(conversation))
          if (conversation.stop === 'money' || conversation.stop === 'time') break
        } catch (error) {
          const isMoney = SingularityError.isInstance(error) && MONEY.has(error.code)
          if (!isMoney || made.every(({ conversation }) => !isCandidate(conversation))) throw error
          thrown = error
          notes.push(`Attempt ${ordinal + 1} was not finished: ${messageOf(error)}`)
        }
      }
      const recordings: Recording[] = await Promise.all(made.map(({ session }) => recordingOf(session, git)))
      const proposals = await toProposals(made)
      if (proposals.length === 0) throw nothingMade(made)
      const tokens = made.reduce((sum, { session }) => sum + spentBy(session.turns).tokens, 0)
      notes.push(`${plural(made.length, 'conversation')} with a model: ${tokens} tokens, ${(spent / 1e9).toFixed(4)} USD.`)
      return { proposals, notes, recordings }
    },
  }

  /** One per tree, the smallest first; what failed the check only where nothing else is left. */
  async function toProposals(attempts: readonly Attempt[]): Promise<Proposal[]> {
    const usable = attempts.filter(({ conversation }) => isCandidate(conversation))
    const sound = usable.filter(({ conversation }) => conversation.checked !== false)
    const proposals = new Map<string, Proposal>()
    for (const { conversation, session } of sound.length > 0 ? sound : usable) {
      const proposal = await task.propose({
        commit: conversation.commit!,
        title: oneLine(goal.text).slice(0, 72),
        reason: `Made by ${session.turns.at(-1)?.answer.model ?? 'a model'}: ${oneLine(conversation.summary ?? '').slice(0, 1000)}`,
        sessionId: session.id,
      })
      if (!proposals.has(proposal.tree!)) proposals.set(proposal.tree!, proposal)
    }
    const all = [...proposals.values()]
    const sorted = all.toSorted((a, b) => sizeOf(a) - sizeOf(b))
    return goal.n === 1 ? sorted : sorted.map((each) => ({ ...each, alternative: task.key }))
  }
}

/** A complete one of a run whose proof was cut off. */
function conversationOf({ summary, turns }: AgentSession): Conversation {
  return { stop: 'done', summary, commit: turns.at(-1)?.checkpoint ?? null, checked: null }
}

/** Half a change is no candidate: only what its maker called complete is. */
function isCandidate({ stop, commit }: Conversation): boolean {
  return stop === 'done' && commit !== null
}

function toldToNext({ stop, summary, checked }: Conversation): string[] {
  if (stop !== 'done') return [`An attempt ended without a complete change (${stop}).`]
  if (checked === false) return [`The tests failed after: ${oneLine(summary ?? '').slice(0, 500)}`]
  return [`Another answer exists already; find a smaller or better one than: ${oneLine(summary ?? '').slice(0, 500)}`]
}

function sizeOf({ sites, changes }: Proposal): number {
  const edits = sites.flatMap((site) => site.edits)
  const whole = changes.reduce((sum, { content }) => sum + (content?.length ?? 1), 0)
  return edits.reduce((sum, { start, end, text }) => sum + end - start + text.length, 0) + whole
}

const SAID: Readonly<Record<StopReason, string>> = {
  done: 'The model changed nothing.',
  refused: 'The model refused.',
  turns: 'The model was not done within its turns.',
  tokens: 'The model was not done within its tokens.',
  money: 'The budget was spent before the model was done.',
  time: 'The model was not done in time.',
  repeated: 'The model called the same again and again.',
  stalled: 'The model neither changed nor looked at anything for three turns.',
  question: 'The model waits for an answer.',
  interrupted: 'Stopped by a signal.',
}

/** @returns EXEC_FAILED, ANSWER_REFUSED, BUDGET_REACHED or LIMIT_REACHED, by how the last conversation ended */
function nothingMade(made: readonly Attempt[]): SingularityError {
  const stop = made.at(-1)?.conversation.stop ?? 'interrupted'
  const data = { reason: stop, sessions: made.map(({ session }) => session.id) }
  if (stop === 'refused') return new SingularityError('ANSWER_REFUSED', SAID.refused, { data })
  if (stop === 'money')
    return new SingularityError(
      'BUDGET_REACHED',
      `${SAID.money} The conversation goes on when the same goal is asked for with a higher one.`,
      { data },
    )
  if (stop === 'done')
    return new SingularityError('EXEC_FAILED', `${SAID.done} There is no candidate.`, { data: { ...data, reason: 'nothing_changed' } })
  const more = stop === 'time' ? ' Asked for again with a longer --time-limit it goes on.' : ''
  return new SingularityError('LIMIT_REACHED', `${SAID[stop]} There is no candidate.${more}`, {
    ...(stop === 'turns' && { hints: ['singularity improve --goal TEXT --max-iterations 50'] }),
    data,
  })
}
