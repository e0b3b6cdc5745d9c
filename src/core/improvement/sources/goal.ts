import { existsSync } from 'node:fs'
import { SingularityError, digest, oneLine } from '../../kernel/index.ts'
import type { JailProfile } from '../../sandbox/index.ts'
import type { Plan } from '../../validation/index.ts'
import { askPerson, unanswered } from '../ask.ts'
import { type GoalRequest, type Recording, createCheck, runSuite } from '../goal.ts'
import { programsIn } from '../programs.ts'
import { readRecord } from '../record.ts'
import type { Session } from '../session.ts'
import type { CandidateSource } from '../source.ts'
import type { Candidate } from '../store.ts'
import { WAITING } from '../waiting.ts'
import { proposalOfTree } from './patch.ts'

const TOLD_FAILURES = 5
const MOST_LOOKED_AT = 1000

/** @throws NOT_FOUND, RECORD_INVALID where there is none, or no model took part */
function recordingsOf({ deps }: Session, name: string): { recordings: readonly Recording[]; startedAt: string } {
  const path = existsSync(name) ? name : deps.store.run(name).recordPath
  const { recordings, run = null } = path === null ? {} : readRecord(path)
  if (recordings && run) return { recordings, startedAt: run.startedAt }
  throw new SingularityError('RECORD_INVALID', `${oneLine(name)} holds no conversation with a model.`)
}

/** What the same goal has come to on the same base and is not decided yet: whoever pays again for it has to say so. */
function waitingFor({ deps, run, base }: Session, key: string): Candidate | undefined {
  const made = deps.store.madeBy({ kind: 'model', id: key }, WAITING)
  return made.find((each) => each.verdict === 'keep' && each.base === base && each.runId !== run.id)
}

const alreadyMade = (id: string): CandidateSource => ({
  kind: 'model',
  find: () =>
    Promise.resolve({
      proposals: [],
      notes: [`Candidate ${id} was made for the same goal and waits for you: singularity show ${id} (made anew by --retry).`],
    }),
})

/**
 * `--goal`: hands the goal, and everything of this run that its maker may use, to the room above. What comes back is a candidate like
 * any other. @throws LLM_NOT_CONFIGURED
 */
export function goalSource(
  session: Session,
  plan: Plan,
  goal: GoalRequest,
  profileFor: (base: string, binaries: readonly string[]) => Promise<JailProfile>,
): CandidateSource {
  const { deps, base, request, run, isolation } = session
  if (!deps.model) throw new SingularityError('LLM_NOT_CONFIGURED', '--goal needs a model.', { hints: ['singularity llm check'] })
  const key = `goal-${digest({ goal: goal.text, paths: request.paths }).slice(0, 12)}`
  const commands = plan.entries.map(({ command }) => command)
  const profile = async (): Promise<JailProfile> => ({
    ...(await profileFor(base, ['sh', 'node', ...commands.flatMap(([program = '', ...rest]) => [program, ...programsIn(rest.join(' '))])])),
    git: 'synthetic',
  })
  const waiting = request.retry || goal.replay ? undefined : waitingFor(session, key)
  if (waiting) return alreadyMade(waiting.id)
  const replayed = goal.replay ? recordingsOf(session, goal.replay) : null
  return deps.model.source({
    goal,
    key,
    runId: run.id,
    sandboxes: isolation.room,
    profile,
    jailed: isolation.kind !== 'none',
    recordings: replayed?.recordings ?? null,
    timeMs: Math.min(deps.settings.timeoutMs, Math.max(request.timeLimitMs, 60_000)),
    suites: plan.entries.map(({ command, scope }) => `${command.join(' ')}${scope === '' ? '' : ` (in ${scope})`}`),
    failures: deps.store
      .rolledBack({ kind: 'model', id: key }, replayed ? MOST_LOOKED_AT : TOLD_FAILURES)
      // what failed since then was not told to the recorded model
      .filter(({ createdAt }) => replayed === null || createdAt < replayed.startedAt)
      .slice(0, TOLD_FAILURES)
      .map(({ title, reasons }) =>
        oneLine(`${title}: ${reasons.map(({ code, detail }) => `${code} ${detail}`).join('; ')}`).slice(0, 1000),
      ),
    check: createCheck(plan, (entry) =>
      session.workbench.use(base, { purpose: 'inspect', fresh: true }, async (sandbox) => (await runSuite(sandbox, entry)).passed),
    ),
    ask: (question) => askPerson(session, question),
    unanswered: (sessionId) => unanswered(session, sessionId),
    async propose({ commit, title, reason, sessionId }) {
      const tree = await deps.git.treeOf(commit)
      const fingerprint = digest({ goal: tree, base })
      const made = { tree, kind: 'model' as const, id: key, title, reason, fingerprint }
      return { ...(await proposalOfTree(deps.git, base, made)), commit, sessionId }
    },
  })
}
