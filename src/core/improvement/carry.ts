import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SingularityError, parseJson, sha256 } from '../kernel/index.ts'
import { DEFAULT_POLICY, type DecisionPolicy } from '../validation/index.ts'
import { announceImport } from './announce.ts'
import { checkClaim, testPathsOf } from './carried-claim.ts'
import { candidateRef, diffHash } from './commit.ts'
import type { CandidateData } from './data.ts'
import { openRequest } from './decide.ts'
import { readRecord } from './record.ts'
import { candidateData } from './report.ts'
import type { ImprovementDeps } from './session.ts'

const FILES = { run: 'run.json', bundle: 'candidates.bundle', record: 'record.json.gz' }
const TABLES = ['candidate', 'approval', 'question'] as const

/** Ids become parts of paths and refs. */
const ID = /^[a-z][0-9a-z]{5,20}$/
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

export type Imported = { run: string; candidates: CandidateData[]; asked_again: string[] }

type Row = Record<string, string | number | null>

type Carried = {
  schema: 'singularity.export/1'
  run: Record<string, string | number | null>
  rows: Record<(typeof TABLES)[number], Row[]>
  bundle: string | null
}

/** Writes a run with its candidates (a git bundle), approvals and record into a folder, for another clone. */
export async function exportRun(deps: ImprovementDeps, runId: string, directory: string): Promise<{ directory: string; files: string[] }> {
  const { git, store } = deps
  const target = resolve(git.repository.root, git.repository.prefix, directory)
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new SingularityError('USAGE', `${directory} is not empty.`, { hints: [`singularity export ${runId} ANOTHER-DIRECTORY`] })
  mkdirSync(target, { recursive: true })
  const run = store.run(runId)
  const refs = store
    .candidatesOf(runId)
    .filter(({ commit }) => commit !== null)
    .map(({ id }) => candidateRef(id))
  const alive = (await Promise.all(refs.map(async (ref) => ({ ref, oid: await git.resolve(ref) }))))
    .filter(({ oid }) => oid !== undefined)
    .map(({ ref }) => ref)
  const files = [FILES.run]
  let bundle: string | null = null
  if (alive.length > 0) {
    await git.run(['bundle', 'create', join(target, FILES.bundle), ...alive, `^${run.base}`])
    bundle = sha256(readFileSync(join(target, FILES.bundle)))
    files.push(FILES.bundle)
  }
  if (run.recordPath !== null && existsSync(run.recordPath)) {
    copyFileSync(run.recordPath, join(target, FILES.record))
    files.push(FILES.record)
  }
  const ids = store.candidatesOf(runId).map(({ id }) => id)
  const rows = Object.fromEntries(
    TABLES.map((table) => [
      table,
      ids.flatMap((id) => store.db.all(`SELECT * FROM ${table} WHERE ${table === 'candidate' ? 'id' : 'candidate_id'} = ?`, id)),
    ]),
  )
  const carried = { schema: 'singularity.export/1', run: store.db.get('SELECT * FROM run WHERE id = ?', runId), rows, bundle }
  writeFileSync(join(target, FILES.run), `${JSON.stringify(carried, null, 2)}\n`)
  return { directory: target, files }
}

/**
 * Takes a run from a folder: objects are fetched from the bundle and every candidate's diff is hashed again. A folder
 * proves nobody's yes: an approval in it is asked for again here, unless the caller vouches for the folder; then it
 * counts where it was given for exactly that diff.
 * @throws RECORD_INVALID, STATE_CONFLICT when the run is already here
 */
export async function importRun(deps: ImprovementDeps, directory: string, options: { trustApprovals: boolean }): Promise<Imported> {
  const { git, store } = deps
  const source = resolve(git.repository.root, git.repository.prefix, directory)
  const text = existsSync(join(source, FILES.run)) ? readFileSync(join(source, FILES.run), 'utf8') : undefined
  if (text === undefined)
    throw new SingularityError('USAGE', `${directory} holds no exported run.`, { hints: ['singularity export RUN DIRECTORY'] })
  const carried = parseJson(text) as Carried | undefined
  if (carried?.schema !== 'singularity.export/1')
    throw new SingularityError('RECORD_INVALID', `${directory} does not hold a run this version can read.`)
  const runId = String(carried.run['id'])
  if (!ID.test(runId)) throw new SingularityError('RECORD_INVALID', 'The exported run has no valid id.')
  if (store.db.get('SELECT id FROM run WHERE id = ?', runId))
    throw new SingularityError('STATE_CONFLICT', `Run ${runId} is already here.`, { hints: [`singularity show ${runId}`] })
  const base = String(carried.run['base'])
  if ((await git.resolve(`${base}^{commit}`)) === undefined)
    throw new SingularityError('RECORD_INVALID', `This clone does not have the base commit ${base.slice(0, 12)}.`, { hints: ['git fetch'] })
  for (const { id } of carried.rows.candidate) {
    if (!ID.test(String(id))) throw new SingularityError('RECORD_INVALID', 'A candidate of the exported run has no valid id.')
    if (store.db.get('SELECT id FROM candidate WHERE id = ?', id!))
      throw new SingularityError('STATE_CONFLICT', `Candidate ${String(id)} is already here.`, {
        hints: [`singularity show ${String(id)}`],
      })
  }
  if (carried.bundle !== null) {
    const path = join(source, FILES.bundle)
    if (!existsSync(path) || sha256(readFileSync(path)) !== carried.bundle)
      throw new SingularityError('RECORD_INVALID', `${FILES.bundle} is missing or was altered.`)
    await fetchCandidates(deps, path, carried.rows.candidate)
  }
  const rows = await checkRows(deps, { runId, base, policy: policyIn(source), ...options }, carried.rows).catch(async (error: unknown) => {
    for (const { id } of carried.rows.candidate) await deps.landing.dropCandidate(String(id))
    throw error
  })
  if (existsSync(join(source, FILES.record))) {
    mkdirSync(deps.recordsDir, { recursive: true })
    copyFileSync(join(source, FILES.record), join(deps.recordsDir, `${runId}.json.gz`))
  }
  // where it lands, how it is kept in and who said yes is decided here
  const request = { ...(parseJson(String(carried.run['request'])) as object), isolation: 'auto', into: null, yes: false }
  const record = join(deps.recordsDir, `${runId}.json.gz`)
  const run = {
    ...carried.run,
    record_path: existsSync(record) ? record : null,
    status: 'finished',
    job_id: null,
    request: JSON.stringify(request),
  }
  const open = new Set(rows.approval.filter(({ status }) => status === 'open').map((row) => row['candidate_id']))
  const asked = rows.candidate.filter(({ id, state }) => state === 'awaiting_approval' && !open.has(id!)).map(({ id }) => String(id))
  store.db.transaction(() => {
    insertRows(deps, run, rows)
    for (const id of asked) openRequest(deps, store.candidate(id))
    announceImport(deps, runId)
  })
  const given = new Set(carried.rows.candidate.filter(({ state }) => state === 'approved').map(({ id }) => String(id)))
  return { run: runId, candidates: store.candidatesOf(runId).map(candidateData), asked_again: asked.filter((id) => given.has(id)) }
}

/** The policy under which the other clone decided. @throws RECORD_INVALID */
function policyIn(source: string): DecisionPolicy {
  const path = join(source, FILES.record)
  return existsSync(path) ? readRecord(path).policy : DEFAULT_POLICY
}

/** Only the refs of this run's candidates: the folder may name others, which are not its own. */
async function fetchCandidates({ git }: ImprovementDeps, bundle: string, rows: readonly Row[]): Promise<void> {
  const heads = (await git.run(['bundle', 'list-heads', bundle])).text.split('\n').map((line) => line.split(' ')[1])
  const refs = rows.map(({ id }) => candidateRef(String(id))).filter((ref) => heads.includes(ref))
  if (refs.length > 0)
    await git.run(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', bundle, ...refs.map((ref) => `+${ref}:${ref}`)])
}

/** States that say nothing about this clone's branches and may be taken over as they are. */
const PORTABLE = ['validated', 'rejected', 'errored', 'awaiting_approval', 'declined', 'expired', 'abandoned', 'conflict']

/**
 * What a folder says is not believed: every diff is hashed again from the bundle's objects, rows about other candidates
 * are left out, and `approved` holds only where the caller vouches for the approvals and one was given for exactly that
 * diff; anything else waits for a person here.
 */
async function checkRows(
  deps: ImprovementDeps,
  { runId, base, policy, trustApprovals }: { runId: string; base: string; policy: DecisionPolicy; trustApprovals: boolean },
  rows: Carried['rows'],
): Promise<Carried['rows']> {
  const { git } = deps
  const candidate: Row[] = []
  const isTestFile = await testPathsOf(deps, base)
  const ids = new Set(rows.candidate.map(({ id }) => id))
  for (const row of rows.candidate) {
    const [id, oid] = [String(row['id']), row['commit_oid'] ?? null]
    if (oid !== null && !OID.test(String(oid))) throw new SingularityError('RECORD_INVALID', `Candidate ${id} names no commit.`)
    const there = oid !== null && (await git.resolve(`${String(oid)}^{commit}`)) !== undefined
    if (there && (await diffHash(git, base, String(oid))) !== row['diff_hash'])
      throw new SingularityError('RECORD_INVALID', `Candidate ${id} is not the change that was exported.`)
    const approved = rows.approval.some(
      (each) => each['candidate_id'] === id && each['status'] === 'approved' && each['diff_hash'] === row['diff_hash'],
    )
    const waits = row['state'] === 'approved' && trustApprovals && approved ? 'approved' : 'awaiting_approval'
    const state = PORTABLE.includes(String(row['state'])) ? row['state']! : there ? waits : 'abandoned'
    const claim = there && row['verdict'] !== null && state !== 'errored'
    const checked = claim ? await checkClaim(deps, { base, commit: String(oid), row, isTestFile, policy }) : null
    candidate.push({
      ...row,
      ...(checked && { files: JSON.stringify(checked.files) }),
      ...(checked?.isDelicate && { risk: 'high' }),
      run_id: runId,
      state,
      landed_oid: null,
      undo_oid: null,
      target_ref: null,
      base_oid: oid === null ? null : base,
    })
  }
  const own = (table: 'approval' | 'question'): Row[] => rows[table].filter((row) => ids.has(row['candidate_id'] ?? null))
  const carry = (row: Row): Row => {
    const carried = { ...row, via: (row['via'] ?? null) === null ? null : 'import' }
    if (row['status'] !== 'approved' || trustApprovals) return carried
    return { ...carried, status: 'void', reason: 'given in another clone; asked again here' }
  }
  // a conversation stays where it was held
  const question = own('question').map((row) => ({ ...row, run_id: runId, session_id: null, token_hash: null }))
  return { candidate, question, approval: own('approval').map(carry) }
}

function insertRows({ store: { db } }: ImprovementDeps, run: Carried['run'], rows: Carried['rows']): void {
  const insert = (table: string, row: Record<string, string | number | null>): void => {
    const known = new Set(db.all<{ name: string }>(`SELECT name FROM pragma_table_info(?)`, table).map(({ name }) => name))
    const columns = Object.keys(row).filter((name) => known.has(name))
    db.run(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      ...columns.map((name) => row[name]!),
    )
  }
  insert('run', run)
  for (const table of TABLES) for (const row of rows[table]) insert(table, row)
}
