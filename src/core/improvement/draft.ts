import type { Evidence, SiteEvidence } from '../validation/index.ts'
import type { CandidateCommit } from './commit.ts'
import type { TrialResults } from './results.ts'
import type { Proposal, Site } from './source.ts'
import type { Candidate } from './store.ts'

/** A candidate on its way through the proof. The evidence grows stage by stage; the verdict is computed from it at the end. */
export type Draft = {
  candidate: Candidate
  proposal: Proposal
  /** The sites the candidate's commit holds. */
  sites: readonly Site[]
  /** Sites that were set aside, with the reason. */
  dropped: { site: Site; reason: string; exercised: boolean | null }[]
  commit: CandidateCommit | null
  evidence: Mutable<Omit<Evidence, 'tests'>> & { tests: Mutable<Evidence['tests']> }
  /** A part of a larger candidate was kept as a candidate of its own. */
  replacedBy: string | null
  facts: DraftFacts
  /** What each test said, trial by trial; the last one of purpose `candidate` is what the evidence counts. */
  results: TrialResults[]
}

export type DraftFacts = {
  testsTouched: boolean
  addedTestsOnly: boolean
  privileged: boolean
  coarse: boolean
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] }

export function emptyEvidence(): Draft['evidence'] {
  const none = { pass: 0, fail: 0, skip: 0, todo: 0, error: 0 }
  return {
    tests: {
      baseline: { ...none },
      candidate: { ...none },
      regressed: [],
      weakened: [],
      fixed: [],
      flaky: [],
      contract_changed: [],
      complete: false,
      coarse: false,
      hang: false,
    },
    metrics: [],
    guards: [],
    sites: [],
    contract: [],
    control: null,
    train: null,
    errors: [],
  }
}

export function createDraft(candidate: Candidate, proposal: Proposal, sites: readonly Site[] = proposal.sites): Draft {
  return {
    candidate,
    proposal,
    sites,
    dropped: [],
    commit: null,
    evidence: emptyEvidence(),
    replacedBy: null,
    facts: { testsTouched: false, addedTestsOnly: false, privileged: false, coarse: false },
    results: [],
  }
}

/** Sites as evidence: those the commit holds, then those that were set aside. */
export function siteEvidence(draft: Draft, exercised: ReadonlyMap<Site, boolean | null>, equalTrees: ReadonlySet<string>): SiteEvidence[] {
  const held = draft.sites.map((site) => ({
    file: site.file,
    line: site.line,
    exercised: exercised.get(site) ?? null,
    equal_tree: equalTrees.has(site.file),
    kept: true,
    reason: null,
  }))
  const dropped = draft.dropped.map(({ site, reason, exercised: known }) => ({
    file: site.file,
    line: site.line,
    exercised: known,
    equal_tree: false,
    kept: false,
    reason,
  }))
  return [...held, ...dropped]
}

/** The sites' counts as the data shows them. */
export function siteCounts(draft: Draft): { found: number; exercised: number; kept: number; dropped: number } {
  const { sites } = draft.evidence
  const kept = sites.filter((site) => site.kept).length
  return {
    found: sites.length,
    exercised: sites.filter(({ exercised }) => exercised === true).length,
    kept,
    dropped: sites.length - kept,
  }
}
