import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { APPLICATION_ID } from '../../src/core/app.ts'
import { STATE_MIGRATIONS, openDatabase } from '../../src/core/storage/index.ts'
import { type WaitingBench, createWaiting } from '../support/waiting.ts'
import { type Answer, startProgram } from './playground.ts'

type Row = Record<string, string | number | null>
type Exported = { run: Row; rows: Record<'candidate' | 'approval' | 'question', Row[]>; bundle: string }

let bench: WaitingBench
let [clone, folder, id] = ['', '', '']
beforeEach(async () => {
  bench = await createWaiting()
  const home = dirname(bench.repository.root)
  ;[clone, folder] = [join(home, 'clone'), join(home, 'exported')]
  execFileSync('git', ['clone', '--quiet', bench.repository.root, clone], { env: bench.env })
  for (const [name, value] of [
    ['user.name', 'Bob Example'],
    ['user.email', 'bob@example.org'],
  ] as const)
    execFileSync('git', ['-C', clone, 'config', name, value], { env: bench.env })
  ;({ id } = await bench.add('a.txt'))
  expect((await there('export', bench.store.candidate(id).runId, folder)).exitCode).toBe(0)
})
afterEach(() => bench.close())

const there = (...args: string[]): Promise<Answer> => startProgram(args, { cwd: bench.repository.root, env: bench.env }).done
const here = (...args: string[]): Promise<Answer> => startProgram(args, { cwd: clone, env: bench.env }).done
const tip = (): string => execFileSync('git', ['-C', clone, 'rev-parse', 'HEAD'], { env: bench.env, encoding: 'utf8' })

/** Alters what a job wrote, as whoever can write into that folder may. */
function forge(change: (exported: Exported) => void): void {
  const path = join(folder, 'run.json')
  const exported = JSON.parse(readFileSync(path, 'utf8')) as Exported
  change(exported)
  writeFileSync(path, JSON.stringify(exported))
}

/** A yes that no person ever gave, for exactly the diff that is in the bundle. */
const smuggle = ({ rows }: Exported): void => {
  rows.candidate[0]!['state'] = 'approved'
  Object.assign(rows.approval[0]!, {
    status: 'approved',
    decided_at: '2024-01-01T00:00:00.000Z',
    decided_by: 'Ada',
    via: 'terminal',
    reason: null,
  })
}

describe('import', () => {
  it('an approval in the folder is asked for again, and nothing lands by it', async () => {
    forge(smuggle)
    const before = tip()
    const answer = await here('import', folder)
    expect(answer.json.data, answer.stdout).toMatchObject({ candidates: [{ id, state: 'awaiting_approval' }], asked_again: [id] })
    expect((await here('resume')).json.data.candidates).toEqual([])
    expect(tip()).toBe(before)
    const { approval } = (await here('show', id)).json.data
    expect(approval).toMatchObject({ status: 'open', decided_by: null })
    const events = bench.store.db.all<{ data: string }>(`SELECT data FROM event WHERE name = 'metrics.improvement.global'`)
    expect(events).toEqual([]) // told where it was taken over, not where it was made
    const db = openDatabase({ path: join(clone, '.git/singularity/state.db'), applicationId: APPLICATION_ID, migrations: STATE_MIGRATIONS })
    const told = db.all<{ data: string }>(`SELECT data FROM event WHERE name = 'metrics.improvement.global'`)
    db.close()
    expect(told.map(({ data }) => JSON.parse(data))).toEqual([expect.objectContaining({ found: 1, kept: 1, waiting: 1 })])
    // the answer that counts is one given here
    expect((await here('reject', id, '--reason', 'not mine')).json.data).toMatchObject({ state: 'declined' })
  })

  it('--trust-approvals takes them over, marked, where the diff is the one that was approved', async () => {
    forge(smuggle)
    const answer = await here('import', folder, '--trust-approvals')
    expect(answer.json.data, answer.stdout).toMatchObject({ candidates: [{ id, state: 'approved' }], asked_again: [] })
    expect((await here('show', id)).json.data.approval).toMatchObject({ status: 'approved', decided_by: 'Ada', via: 'import' })
  })

  it('--trust-approvals does not count a yes that was given for another diff', async () => {
    forge((exported) => {
      smuggle(exported)
      exported.rows.approval[0]!['diff_hash'] = 'f'.repeat(64)
    })
    const answer = await here('import', folder, '--trust-approvals')
    expect(answer.json.data, answer.stdout).toMatchObject({ candidates: [{ id, state: 'awaiting_approval' }], asked_again: [id] })
  })

  it('rows and refs about candidates of this clone are left alone', async () => {
    const own = await bench.add('b.txt')
    forge(({ rows }) => {
      rows.approval.push({ ...rows.approval[0]!, id: 'aforged1', candidate_id: own.id, status: 'approved' })
      rows.question.push({
        id: 'qforged1',
        candidate_id: own.id,
        text: 'really?',
        asked_by: 'x',
        asked_at: '2024-01-01T00:00:00.000Z',
      } as Row)
    })
    // the same candidates are here already: refused, and nothing of the folder is taken
    const again = await there('import', folder)
    expect(again.json.error?.code).toBe('STATE_CONFLICT')
    expect(bench.approvals.latest(own.id)).toMatchObject({ status: 'open' })
    expect((await here('import', folder)).json.data).toMatchObject({ candidates: [{ id }] })
    expect((await here('inbox')).json.data.questions).toEqual([])
  })

  it.each([
    ['another diff', (row: Row) => (row['diff_hash'] = 'f'.repeat(64))],
    ['a branch in place of a commit', (row: Row) => (row['commit_oid'] = 'HEAD')],
    ['an id that is a path', (row: Row) => (row['id'] = '../../heads/work')],
    [
      'a verdict that does not follow from its evidence',
      (row: Row) => (row['evidence'] = String(row['evidence']).replace('"regressed":[]', '"regressed":["test/a.test.js::fails"]')),
    ],
  ])('%s is refused', async (_what, change) => {
    forge(({ rows }) => void change(rows.candidate[0]!))
    const before = tip()
    const answer = await here('import', folder)
    expect({ code: answer.json.error?.code, exitCode: answer.exitCode }, answer.stdout).toEqual({ code: 'RECORD_INVALID', exitCode: 1 })
    expect((await here('runs')).json.data.runs).toEqual([])
    expect(tip()).toBe(before)
  })
})
