import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SingularityError, parseJson, sha256 } from '../kernel/index.ts'
import { candidateRef, diffHash } from './commit.ts'
import type { CandidateData } from './data.ts'
import { readRecord } from './record.ts'
import { candidateData } from './report.ts'
import type { ImprovementDeps } from './session.ts'

const FILES = { run: 'run.json', bundle: 'candidates.bundle', record: 'record.json.gz' }
const TABLES = ['candidate', 'approval', 'question'] as const

/** Ids become parts of paths and refs. */
const ID = /^[a-z][0-9a-z]{5,20}$/

type Carried = {
  schema: 'singularity.export/1'
  run: Record<string, string | number | null>
  rows: Record<(typeof TABLES)[number], Record<string, string | number | null>[]>
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
 * Takes a run from a folder: objects are fetched from the bundle, every candidate's diff is hashed again, and an
 * approval only counts when it was given for exactly that diff.
 * @throws RECORD_INVALID, STATE_CONFLICT when the run is already here
 */
export async function importRun(deps: ImprovementDeps, directory: string): Promise<{ run: string; candidates: CandidateData[] }> {
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
  if (carried.bundle !== null) {
    const path = join(source, FILES.bundle)
    if (!existsSync(path) || sha256(readFileSync(path)) !== carried.bundle)
      throw new SingularityError('RECORD_INVALID', `${FILES.bundle} is missing or was altered.`)
    await git.run([
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      path,
      '+refs/singularity/candidates/*:refs/singularity/candidates/*',
    ])
  }
  if (existsSync(join(source, FILES.record))) {
    readRecord(join(source, FILES.record))
    mkdirSync(deps.recordsDir, { recursive: true })
    copyFileSync(join(source, FILES.record), join(deps.recordsDir, `${runId}.json.gz`))
  }
  const rows = await checkRows(deps, base, carried.rows)
  const request = { ...(parseJson(String(carried.run['request'])) as object), isolation: 'auto' }
  insertRows(
    deps,
    { ...carried.run, record_path: join(deps.recordsDir, `${runId}.json.gz`), status: 'finished', request: JSON.stringify(request) },
    rows,
  )
  return { run: runId, candidates: store.candidatesOf(runId).map(candidateData) }
}

/** States that say nothing about this clone's branches and may be taken over as they are. */
const PORTABLE = ['validated', 'rejected', 'errored', 'awaiting_approval', 'declined', 'expired', 'abandoned', 'conflict']

/**
 * What a folder says is not believed: every diff is hashed again from the bundle's objects, and `approved` holds only
 * with an approval that was given for exactly that diff; anything else waits for a person here.
 */
async function checkRows({ git }: ImprovementDeps, base: string, rows: Carried['rows']): Promise<Carried['rows']> {
  const candidate: Carried['rows']['candidate'] = []
  for (const row of rows.candidate) {
    const [id, oid] = [String(row['id']), row['commit_oid']]
    if (!ID.test(id)) throw new SingularityError('RECORD_INVALID', 'A candidate of the exported run has no valid id.')
    const there = oid !== null && (await git.resolve(`${String(oid)}^{commit}`)) !== undefined
    if (there && (await diffHash(git, base, String(oid))) !== row['diff_hash'])
      throw new SingularityError('RECORD_INVALID', `Candidate ${id} is not the change that was exported.`)
    const approved = rows.approval.some(
      (each) => each['candidate_id'] === id && each['status'] === 'approved' && each['diff_hash'] === row['diff_hash'],
    )
    const waits = row['state'] === 'approved' && there && approved ? 'approved' : 'awaiting_approval'
    const state = PORTABLE.includes(String(row['state'])) ? row['state']! : there ? waits : 'abandoned'
    candidate.push({ ...row, state, landed_oid: null, undo_oid: null, target_ref: null, base_oid: oid === null ? null : base })
  }
  return { ...rows, candidate, approval: rows.approval.map((row) => ({ ...row, via: row['via'] === null ? null : 'import' })) }
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
  db.transaction(() => {
    insert('run', run)
    for (const table of TABLES) for (const row of rows[table]) insert(table, row)
  })
}
