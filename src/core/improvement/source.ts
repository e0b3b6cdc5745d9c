import type { FileChange } from '../git/index.ts'
import type { Recording } from './goal.ts'

export type SourceKind = 'rules' | 'fixers' | 'patch' | 'branch' | 'exec' | 'history' | 'model'

/** One place a candidate touches. Edits of one file are byte ranges of the base blob; a site may be dropped on its own. */
export type Site = {
  file: string
  /** 1-based line in the base file. */
  line: number
  edits: readonly { start: number; end: number; text: string }[]
  /** What was handed in: the lines this site has in the tree it came from, 1-based. */
  added?: { from: number; count: number }
}

/** A proposed change. Either `sites` (can be split) or `changes` / `tree` (taken as a whole). */
export type Proposal = {
  title: string
  source: { kind: SourceKind; id: string; version: string }
  /** Equal when rule version and touched blobs are equal: declined work is not offered again. */
  fingerprint: string
  /** Package folder the candidate belongs to, '' at the top. */
  scope: string
  sites: readonly Site[]
  changes: readonly FileChange[]
  /** A tree made elsewhere (patch, branch, exec). */
  tree?: string
  commit?: string
  /** Why this is an improvement, one sentence, with a reference. */
  reason: string
  reference?: string
  safety: 'safe' | 'semantic' | 'experimental' | 'unknown'
  /** Of a rule: 1 (tidiness) to 5 (removes a class of bugs). */
  value?: number
  /** Handed in by the user: exit codes 1 and 3 are about these. */
  explicit: boolean
  /** Answers to one question have the same: they are proven in turn, and the first that is kept is enough. */
  alternative?: string
  /** The conversation that made it: what was asked and answered in it belongs to the candidate. */
  sessionId?: string
  /** Rules: how often the rule matches the given text (the primary metric goes to zero at the kept sites). */
  recount?: (path: string, text: string) => number
}

export type SourceContext = {
  base: string
  /** Restrict to these paths (relative to the top); everything when empty. */
  paths: readonly string[]
  /** True for files a source may never propose to change (tests, snapshots, configuration, generated, vendored, CI, lock files). */
  isProtected(path: string): boolean
  maxCandidates: number
  signal?: AbortSignal
  /** Milliseconds that programs of the project may still take; as long as they like where it is left out. */
  timeLeft?: () => number
  onProgress?: (text: string) => void
}

export type SourceReport = {
  proposals: readonly Proposal[]
  notes: readonly string[]
  /** What was said to models and by them: it goes into the record. */
  recordings?: readonly Recording[]
}

/** The port: where candidates come from. */
export type CandidateSource = { readonly kind: SourceKind; find(context: SourceContext): Promise<SourceReport> }
