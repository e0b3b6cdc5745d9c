import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { SingularityError, canonicalJson, parseJson, sha256, makeFolder } from '../kernel/index.ts'
import type { Recording } from './goal.ts'
import type { TrialResults } from './results.ts'
import type { DecisionPolicy, Evidence, Plan, Verdict, VerdictFacts, VerdictReason } from '../validation/index.ts'

export type CandidateRecord = {
  id: string
  parent: string | null
  title: string
  source: { kind: string; id: string }
  base: string
  commit: string | null
  tree: string | null
  diffHash: string | null
  /** The part of it that was kept stands for it; absent in older records. */
  replacedBy?: string | null
  evidence: Evidence
  /** Per-test results of every trial; absent in older records. */
  results?: readonly TrialResults[]
  facts: VerdictFacts
  verdict: Verdict | null
  reasons: readonly VerdictReason[]
}

/** Everything a run's verdicts rest on: inputs, tree ids, plan, results, samples, versions, decisions. */
export type RunRecord = {
  schema: 'singularity.record/1'
  run: { id: string; base: string; baseTree: string; branch: string | null; startedAt: string; finishedAt: string }
  versions: Readonly<Record<string, string>>
  isolation: string
  request: unknown
  plan: Plan | null
  baseline: unknown
  policy: DecisionPolicy
  candidates: readonly CandidateRecord[]
  /** Prompts, answers and what the tools said, of candidates that models made; absent where none did. */
  recordings?: readonly Recording[]
}

/** What became of a candidate, as far as it is known when it is written. */
export type DecisionRecord = {
  candidate: string
  state: string
  /** Whether and by whom it was approved or rejected, through what, and why. */
  answer: {
    status: string
    by: string | null
    via: string | null
    at: string | null
    reason: string | null
    overrides: boolean
    diffHash: string
  } | null
  landed: { commit: string; ref: string | null } | null
  undone: string | null
  /** Every step, with its time. */
  history: readonly { at: string; name: string; detail: string }[]
}

/** The evidence never changes after the run; decisions follow later, under a digest of their own. */
type Envelope = { digest: string; record: RunRecord; decisions?: { digest: string; list: readonly DecisionRecord[] } }

/** Writes a record under its digest: temporary name, fsync, rename. Answers the path. */
export function writeRecord(path: string, record: RunRecord): string {
  return writeEnvelope(path, { digest: sha256(canonicalJson(record)), record })
}

/** Puts the decisions of a run into its record, in place of those that were there. @throws RECORD_INVALID */
export function writeDecisions(path: string, list: readonly DecisionRecord[]): void {
  writeEnvelope(path, { ...readEnvelope(path), decisions: { digest: sha256(canonicalJson(list)), list } })
}

function writeEnvelope(path: string, envelope: Envelope): string {
  makeFolder(dirname(path))
  const bytes = gzipSync(`${canonicalJson(envelope)}\n`)
  const temporary = `${path}.${process.pid}.tmp`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
  return path
}

/** Reads and checks a record. @throws RECORD_INVALID when it is missing, damaged or altered */
export function readRecord(path: string): RunRecord {
  return readEnvelope(path).record
}

/** The decisions a record knows of. @throws RECORD_INVALID */
export function readDecisions(path: string): readonly DecisionRecord[] {
  return readEnvelope(path).decisions?.list ?? []
}

function readEnvelope(path: string): Envelope {
  let text: string
  try {
    text = gunzipSync(readFileSync(path), { maxOutputLength: 512 * 1024 * 1024 }).toString('utf8')
  } catch (error) {
    throw new SingularityError('RECORD_INVALID', `The record ${path} cannot be read.`, { cause: error })
  }
  const envelope = parseJson(text) as Envelope | undefined
  const decisions = envelope?.decisions
  const decisionsHold = decisions === undefined || sha256(canonicalJson(decisions.list)) === decisions.digest
  if (!envelope?.record || sha256(canonicalJson(envelope.record)) !== envelope.digest || !decisionsHold)
    throw new SingularityError('RECORD_INVALID', `The record ${path} was altered: its digest does not match.`)
  if (envelope.record.schema !== 'singularity.record/1')
    throw new SingularityError('RECORD_INVALID', `The record ${path} has the unknown schema ${String(envelope.record.schema)}.`, {
      hints: ['Update singularity.'],
    })
  return envelope
}
