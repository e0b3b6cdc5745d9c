import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { SingularityError, canonicalJson, parseJson, sha256 } from '../kernel/index.ts'
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
  evidence: Evidence
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
}

type Envelope = { digest: string; record: RunRecord }

/** Writes a record under its digest: temporary name, fsync, rename. Answers the path. */
export function writeRecord(path: string, record: RunRecord): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const text = canonicalJson(record)
  const bytes = gzipSync(`{"digest":"${sha256(text)}","record":${text}}\n`)
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
  let text: string
  try {
    text = gunzipSync(readFileSync(path), { maxOutputLength: 512 * 1024 * 1024 }).toString('utf8')
  } catch (error) {
    throw new SingularityError('RECORD_INVALID', `The record ${path} cannot be read.`, { cause: error })
  }
  const envelope = parseJson(text) as Envelope | undefined
  if (!envelope?.record || sha256(canonicalJson(envelope.record)) !== envelope.digest)
    throw new SingularityError('RECORD_INVALID', `The record ${path} was altered: its digest does not match.`)
  if (envelope.record.schema !== 'singularity.record/1')
    throw new SingularityError('RECORD_INVALID', `The record ${path} has the unknown schema ${String(envelope.record.schema)}.`, {
      hints: ['Update singularity.'],
    })
  return envelope.record
}
