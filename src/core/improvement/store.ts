import { type Clock, SingularityError, isoTime, newId } from '../kernel/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import type { Evidence, Verdict, VerdictReason } from '../validation/index.ts'
import type { BlindSpot, CandidateState, ImproveRequest, Risk, SeenBlindSpot } from './data.ts'
import type { Proposal, SourceKind } from './source.ts'
import { SQL } from './sql.ts'
import { assertTransition } from './states.ts'

export type SiteCounts = { found: number; exercised: number; kept: number; dropped: number }
export type StoredSite = { file: string; line: number; exercised: boolean | null; kept: boolean; reason: string | null }

/** What is kept in `candidate.evidence`. `proof` is the evidence a verdict is computed from. */
export type CandidateEvidence = {
  reason: string
  reference: string | null
  sites: StoredSite[]
  proof: Evidence | null
  explicit: boolean
  scope: string
}

export type Candidate = {
  id: string
  runId: string
  parent: string | null
  ordinal: number
  title: string
  source: { kind: SourceKind; id: string }
  fingerprint: string
  risk: Risk
  state: CandidateState
  verdict: Verdict | null
  reasons: VerdictReason[]
  base: string | null
  commit: string | null
  tree: string | null
  diffHash: string | null
  landed: string | null
  undo: string | null
  targetRef: string | null
  files: string[]
  sites: SiteCounts
  evidence: CandidateEvidence
  createdAt: string
}

export type Run = {
  id: string
  status: 'running' | 'finished' | 'interrupted'
  startedAt: string
  finishedAt: string | null
  base: string
  baseTree: string
  branch: string | null
  request: ImproveRequest
  summary: unknown
  recordPath: string | null
  exitCode: number | null
  /** The durable job it was made for. */
  jobId: string | null
  process: ProcessIdentity
}

type CandidateRow = Record<
  | 'id'
  | 'run_id'
  | 'title'
  | 'source_kind'
  | 'source_id'
  | 'fingerprint'
  | 'risk'
  | 'state'
  | 'reasons'
  | 'files'
  | 'sites'
  | 'evidence'
  | 'created_at',
  string
> & { ordinal: number } & Record<
    'parent' | 'verdict' | 'base_oid' | 'commit_oid' | 'tree_oid' | 'diff_hash' | 'landed_oid' | 'undo_oid' | 'target_ref',
    string | null
  >

type RunRow = Record<'id' | 'status' | 'started_at' | 'base' | 'base_tree' | 'request' | 'pid_start' | 'boot_id', string> &
  Record<'finished_at' | 'branch' | 'summary' | 'record_path' | 'job_id', string | null> & { pid: number; exit_code: number | null }

const parse = <T>(text: string): T => JSON.parse(text) as T

function toCandidate(row: CandidateRow): Candidate {
  return {
    id: row.id,
    runId: row.run_id,
    parent: row.parent,
    ordinal: row.ordinal,
    title: row.title,
    source: { kind: row.source_kind as SourceKind, id: row.source_id },
    fingerprint: row.fingerprint,
    risk: row.risk as Risk,
    state: row.state as CandidateState,
    verdict: row.verdict as Verdict | null,
    reasons: parse(row.reasons),
    base: row.base_oid,
    commit: row.commit_oid,
    tree: row.tree_oid,
    diffHash: row.diff_hash,
    landed: row.landed_oid,
    undo: row.undo_oid,
    targetRef: row.target_ref,
    files: parse(row.files),
    sites: parse(row.sites),
    evidence: parse(row.evidence),
    createdAt: row.created_at,
  }
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    status: row.status as Run['status'],
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    base: row.base,
    baseTree: row.base_tree,
    branch: row.branch,
    request: parse(row.request),
    summary: row.summary === null ? null : parse(row.summary),
    recordPath: row.record_path,
    exitCode: row.exit_code,
    jobId: row.job_id,
    process: { pid: row.pid, pidStart: row.pid_start, bootId: row.boot_id },
  }
}

export type Store = ReturnType<typeof createStore>

/** Rows of runs, candidates and their history in state.db. Every move of a state goes through `move`. */
export function createStore({ db, clock }: { db: Database; clock: Clock }) {
  const now = (): string => isoTime(clock)

  function event(name: string, runId: string | null, candidateId: string | null, data: unknown = {}): void {
    db.run(SQL.appendEvent, now(), name, runId, candidateId, JSON.stringify(data))
  }

  function candidate(id: string): Candidate {
    const row = db.get<CandidateRow>(SQL.candidateById, id)
    if (!row) throw new SingularityError('NOT_FOUND', `No candidate has the id ${id}.`)
    return toCandidate(row)
  }

  /** Moves a candidate to another state inside the caller's transaction, if any. @throws STATE_CONFLICT */
  function move(id: string, to: CandidateState, detail: Record<string, unknown> = {}): void {
    db.transaction(() => {
      const current = candidate(id)
      assertTransition(id, current.state, to)
      db.run(SQL.moveCandidate, to, now(), id, current.state)
      event(`candidate.${to}`, current.runId, id, detail)
    })
  }

  return {
    db,
    event,
    candidate,
    move,

    startRun(run: {
      base: string
      baseTree: string
      branch: string | null
      request: ImproveRequest
      process: ProcessIdentity
      jobId?: string | null
    }): Run {
      const id = newId('r', clock)
      const { pid, pidStart, bootId } = run.process
      const { patch, exec } = run.request
      // Values of variables are secrets of the edit phase: the row, the record and an export name them only.
      const names = exec && { ...exec, env: exec.env.map((pair) => pair.split('=', 1)[0]!) }
      const request = { ...run.request, patch: patch && { name: patch.name, bytes: null }, exec: names }
      db.run(
        SQL.insertRun,
        id,
        now(),
        run.base,
        run.baseTree,
        run.branch,
        JSON.stringify(request),
        pid,
        pidStart,
        bootId,
        run.jobId ?? null,
      )
      return this.run(id)
    },

    finishRun(
      id: string,
      end: { status: 'finished' | 'interrupted'; summary: unknown; recordPath: string | null; exitCode: number | null },
    ): void {
      db.run(SQL.finishRun, end.status, now(), JSON.stringify(end.summary), end.recordPath, end.exitCode, id)
    },

    run(id: string): Run {
      const row = db.get<RunRow>(SQL.runById, id)
      if (!row) throw new SingularityError('NOT_FOUND', `No run has the id ${id}.`)
      return toRun(row)
    },

    /** Candidates of a source that were rolled back, the latest first. */
    rolledBack: (source: { kind: SourceKind; id: string }, limit: number): Candidate[] =>
      db.all<CandidateRow>(SQL.rolledBack, source.kind, source.id, limit).map(toCandidate),

    /** Candidates of one maker in some states, the newest first. */
    madeBy: (source: { kind: SourceKind; id: string }, states: readonly CandidateState[]): Candidate[] =>
      db.all<CandidateRow>(SQL.madeBy, source.kind, source.id, JSON.stringify(states)).map(toCandidate),

    runs: (limit: number): Run[] => db.all<RunRow>(SQL.latestRuns, limit).map(toRun),
    /** Every run that was made for a job, oldest first. */
    runsOfJob: (jobId: string): Run[] => db.all<RunRow>(SQL.runsOfJob, jobId).map(toRun),
    openRuns: (): Run[] => db.all<RunRow>(SQL.openRuns).map(toRun),

    /** Resolves a full id or a unique prefix. @throws NOT_FOUND, USAGE where several fit */
    find(prefix: string): { kind: 'run' | 'candidate'; id: string } {
      const end = `${prefix}\uffff`
      const found = [
        ...db.all<{ id: string }>(SQL.runsLike, prefix, end).map(({ id }) => ({ kind: 'run' as const, id })),
        ...db.all<{ id: string }>(SQL.candidatesLike, prefix, end).map(({ id }) => ({ kind: 'candidate' as const, id })),
      ]
      const exact = found.find(({ id }) => id === prefix)
      if (exact) return exact
      if (prefix.length > 0 && found.length === 1) return found[0]!
      if (found.length === 0) throw new SingularityError('NOT_FOUND', `No run or candidate has the id ${prefix}.`)
      throw new SingularityError('USAGE', `More than one id begins with "${prefix}": ${found.map(({ id }) => id).join(', ')}.`, {
        hints: ['singularity runs'],
      })
    },

    addCandidate(runId: string, proposal: Proposal, ordinal: number, parent: string | null = null): Candidate {
      const id = newId('c', clock)
      const files = [...new Set([...proposal.sites.map(({ file }) => file), ...proposal.changes.map(({ path }) => path)])]
      const sites: SiteCounts = { found: proposal.sites.length, exercised: 0, kept: 0, dropped: 0 }
      const evidence: CandidateEvidence = {
        reason: proposal.reason,
        reference: proposal.reference ?? null,
        sites: [],
        proof: null,
        explicit: proposal.explicit,
        scope: proposal.scope,
      }
      db.run(
        SQL.insertCandidate,
        id,
        runId,
        parent,
        ordinal,
        proposal.title,
        proposal.source.kind,
        proposal.source.id,
        proposal.fingerprint,
        'medium',
        JSON.stringify(files),
        JSON.stringify(sites),
        JSON.stringify(evidence),
        now(),
        now(),
      )
      event('candidate.proposed', runId, id)
      return candidate(id)
    },

    candidatesOf: (runId: string): Candidate[] => db.all<CandidateRow>(SQL.candidatesOfRun, runId).map(toCandidate),
    inState: (state: CandidateState): Candidate[] => db.all<CandidateRow>(SQL.candidatesInState, state).map(toCandidate),

    /** What proposed the same over the same files, latest first. */
    withFingerprint: (fingerprint: string, states: readonly CandidateState[]): Candidate[] =>
      db.all<CandidateRow>(SQL.candidatesAlike, fingerprint, JSON.stringify(states)).map(toCandidate),

    /** One page of candidates in some states, oldest first; `after` is the last one of the page before. */
    page(states: readonly CandidateState[], options: { search: string; after: Candidate | null; limit: number }): Candidate[] {
      const { search, after, limit } = options
      const place = [after?.createdAt ?? '', after?.id ?? '']
      return db.all<CandidateRow>(SQL.waiting, JSON.stringify(states), ...place, search, limit).map(toCandidate)
    },
    count: (states: readonly CandidateState[], search: string): number =>
      db.get<{ count: number }>(SQL.countWaiting, JSON.stringify(states), search)!.count,

    saveCommit(
      id: string,
      commit: { base: string; commit: string; tree: string; diffHash: string; files: string[]; sites: SiteCounts },
    ): void {
      db.run(
        SQL.saveCommit,
        commit.base,
        commit.commit,
        commit.tree,
        commit.diffHash,
        JSON.stringify(commit.files),
        JSON.stringify(commit.sites),
        now(),
        id,
      )
    },

    saveVerdict(
      id: string,
      outcome: { verdict: Verdict | null; reasons: readonly VerdictReason[]; risk: Risk; sites: SiteCounts; evidence: CandidateEvidence },
    ): void {
      db.run(
        SQL.saveVerdict,
        outcome.verdict,
        JSON.stringify(outcome.reasons),
        outcome.risk,
        JSON.stringify(outcome.sites),
        JSON.stringify(outcome.evidence),
        now(),
        id,
      )
    },

    saveLanding: (id: string, commit: string | null, targetRef: string | null): number =>
      db.run(SQL.saveLanding, commit, targetRef, now(), id),
    saveUndo: (id: string, commit: string): number => db.run(SQL.saveUndo, commit, now(), id),
    saveReasons: (id: string, reasons: readonly VerdictReason[]): number => db.run(SQL.saveReasons, JSON.stringify(reasons), now(), id),

    /** Declined, rolled-back or undone work is not offered again while its fingerprint stays the same. */
    decline: (fingerprint: string, id: string, outcome: string, reason: string): number =>
      db.run(SQL.decline, fingerprint, id, outcome, reason, now()),
    isDeclined: (fingerprint: string): boolean => db.get(SQL.declined, fingerprint) !== undefined,

    history: (id: string): { at: string; name: string; detail: string }[] =>
      db.all<{ at: string; name: string; data: string }>(SQL.candidateEvents, id).map(({ at, name, data }) => ({ at, name, detail: data })),

    /** What the tests did not notice or run when the latest `runs` runs with such places looked, the latest first. */
    blindSpots: (runs: number): SeenBlindSpot[] =>
      db
        .all<{ run: string; base: string; spot: string }>(SQL.blindSpots, runs)
        .flatMap(({ run, base, spot }) => ({ ...parse<BlindSpot>(spot), run, base })),

    cached<T>(key: string): T | undefined {
      const row = db.get<{ data: string }>(SQL.readCache, key)
      return row && parse<T>(row.data)
    },
    cache: (key: string, kind: string, data: unknown): number => db.run(SQL.writeCache, key, kind, JSON.stringify(data), now()),

    hasConsent: (name: string): boolean => db.get(SQL.consent, name) !== undefined,
    grantConsent: (name: string, by: string, detail: string): number => db.run(SQL.grantConsent, name, by, now(), detail),
  }
}
