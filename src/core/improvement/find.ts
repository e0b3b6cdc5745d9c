import { groupBy, plural } from '../kernel/index.ts'
import type { JailProfile } from '../sandbox/index.ts'
import { type Plan, isProtectedPath } from '../validation/index.ts'
import type { HotRule } from './data.ts'
import { withoutHeld } from './held.ts'
import { programsIn } from './programs.ts'
import { type Session, lookTimeLeft } from './session.ts'
import { rankByHeat } from './rank.ts'
import type { CandidateSource, Proposal, SourceContext } from './source.ts'
import { createExecSource } from './sources/exec.ts'
import { createFixerSource } from './sources/fixers.ts'
import { goalSource } from './sources/goal.ts'
import { createBranchSource, createPatchSource } from './sources/patch.ts'
import { createRuleSource } from './sources/rules.ts'
import type { Candidate } from './store.ts'

export type Found = { candidate: Candidate; proposal: Proposal }

/** How many sites a candidate may have before it is a project of its own. */
const LOOK_FOR = 200

function sourcesOf(session: Session, plan: Plan): CandidateSource[] {
  const { deps, request, run } = session
  const { git } = deps
  const sandboxes = session.isolation.room
  if (request.patch) return [createPatchSource({ git, name: request.patch.name, bytes: request.patch.bytes })]
  if (request.branch !== null) return [createBranchSource({ git, name: request.branch })]
  const profile = async (base: string, binaries: readonly string[]): Promise<JailProfile> =>
    sandboxes.profile({
      base,
      binaries: [...binaries],
      include: deps.settings.include,
      env: deps.settings.planEnv,
      git: deps.settings.sandboxGit,
      services: [],
    })
  if (request.exec) {
    const { command, net, env, binds } = request.exec
    const phase = {
      command: ['sh', '-c', command],
      net,
      env: Object.fromEntries(env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
      mounts: binds.map((path) => ({ from: path, to: path, mode: 'rw' as const })),
      timeoutMs: Math.min(deps.settings.timeoutMs, Math.max(request.timeLimitMs, 60_000)),
    }
    return [
      createExecSource({
        git,
        sandboxes,
        profile: async (base) => ({
          ...(await profile(base, ['sh', 'node', ...programsIn(command)])),
          // an agent looks at its own changes by git
          ...(request.agent && { git: 'synthetic' as const }),
        }),
        runId: run.id,
        label: request.agent ? `${request.agent.name}: ${request.agent.goal}` : command,
        phase,
        ...(request.agent && {
          agent: {
            name: request.agent.name,
            basis: request.agent.basis ?? '',
            gateway: request.agent.metered
              ? () => deps.agents!.open(request.agent!, { runId: run.id, jailed: session.isolation.kind !== 'none' })
              : null,
          },
        }),
      }),
    ]
  }
  if (request.goal) return [goalSource(session, plan, request.goal, profile)]
  const chosen = request.sources.length === 0 ? (['rules', 'fixers'] as const) : request.sources
  const scopes = [...new Set(['', ...plan.entries.map(({ scope }) => scope)])]
  return [
    ...(chosen.includes('rules') ? [createRuleSource({ git, only: request.rules })] : []),
    ...(chosen.includes('fixers') && request.rules.length === 0
      ? [createFixerSource({ git, sandboxes, profile, runId: run.id, scopes, path: deps.path })]
      : []),
  ]
}

/**
 * How long the project's own linters may look for something to fix: a third of the run, or of what is left of a look; all
 * of it where nothing else was asked for.
 */
function fixerTime(session: Session): () => number {
  const { clock } = session.deps
  const share = session.request.sources.join() === 'fixers' && !session.request.look ? 1 : 1 / 3
  const endsAt = clock.monotonic() + share * (lookTimeLeft(session) ?? session.request.timeLimitMs)
  return () => endsAt - clock.monotonic()
}

/**
 * Asks every source, leaves out what was declined, rolled back, undone or found before and is still on its way (`--retry` asks
 * again), and stores the first `--max` as candidates: where there are more, those of hot files. What was found beyond that, or nowhere, is told in the run's notes.
 */
export async function findCandidates(session: Session, plan: Plan): Promise<Found[]> {
  const { deps, request, base } = session
  const context: SourceContext = {
    base,
    paths: request.paths,
    isProtected: (path) => isProtectedPath(path, plan),
    maxCandidates: LOOK_FOR,
    timeLeft: fixerTime(session),
    signal: session.stopSoon,
    onProgress: (text) => session.observe({ type: 'phase', phase: 'sources', detail: text }),
  }
  const proposals: Proposal[] = []
  for (const source of sourcesOf(session, plan)) {
    session.observe({ type: 'phase', phase: 'sources', detail: source.kind })
    const report = await source.find(context)
    proposals.push(...report.proposals)
    session.notes.push(...report.notes)
    session.recordings.push(...(report.recordings ?? []))
  }
  session.hotRules.push(...hotRules(proposals))
  const welcome = proposals.filter(({ fingerprint, explicit }) => explicit || request.retry || !deps.store.isDeclined(fingerprint))
  if (welcome.length < proposals.length)
    session.notes.push(
      `${plural(proposals.length - welcome.length, 'candidate')} declined, rolled back or undone before and unchanged since (offered again by --retry).`,
    )
  const free = await withoutHeld(session, welcome)
  const fresh = free.length > request.max ? await rankByHeat(session, free) : free
  if (fresh.length > request.max) session.notes.push(`${fresh.length - request.max} more wait behind --max ${request.max}.`)
  return fresh
    .slice(0, request.max)
    .map((proposal, index) => ({ candidate: deps.store.addCandidate(session.run.id, proposal, index), proposal }))
    .map((found) => {
      if (found.proposal.sessionId !== undefined) deps.approvals.attach(found.proposal.sessionId, found.candidate.id)
      return found
    })
}

const HOT_RULES = 5

/** Rules and linters by the number of places they found, packages together. */
function hotRules(proposals: readonly Proposal[]): HotRule[] {
  const own = proposals.filter(({ explicit }) => !explicit)
  return [...groupBy(own, ({ source }) => source.id)]
    .map(([rule, all]) => {
      const sites = all.flatMap((each) => each.sites)
      return { rule, sites: sites.length, files: new Set(sites.map(({ file }) => file)).size }
    })
    .filter(({ sites }) => sites > 1)
    .toSorted((a, b) => b.sites - a.sites)
    .slice(0, HOT_RULES)
}
