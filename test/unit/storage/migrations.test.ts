import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { STATE_MIGRATIONS, openDatabase } from '../../../src/core/storage/index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-migrations-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('questions of an older file keep their rows; from then on a conversation may ask as well', () => {
  const open = (migrations: readonly string[]) => openDatabase({ path: join(folder, 'state.db'), applicationId: 1, migrations })
  const old = open(STATE_MIGRATIONS.slice(0, 3))
  old.run("INSERT INTO run (id, status, started_at, base, base_tree, request) VALUES ('r1', 'finished', 't', 'b', 't', '{}')")
  old.run(`INSERT INTO candidate (id, run_id, ordinal, title, source_kind, source_id, fingerprint, risk, state, created_at, updated_at)
    VALUES ('c1', 'r1', 0, 't', 'patch', 'p', 'f', 'low', 'validated', 't', 't')`)
  old.run(
    `INSERT INTO question VALUES ('q1', 'c1', 'why?', 'ada', 't1', NULL, NULL, NULL), ('q2', 'c1', 'how?', 'ada', 't2', 'so', 'bob', 't3')`,
  )
  old.close()

  const db = open(STATE_MIGRATIONS)
  expect(
    db.all('SELECT id, candidate_id, run_id, text, asked_by, asked_at, answer, answered_by, answered_at FROM question ORDER BY id'),
  ).toEqual([
    {
      id: 'q1',
      candidate_id: 'c1',
      run_id: null,
      text: 'why?',
      asked_by: 'ada',
      asked_at: 't1',
      answer: null,
      answered_by: null,
      answered_at: null,
    },
    {
      id: 'q2',
      candidate_id: 'c1',
      run_id: null,
      text: 'how?',
      asked_by: 'ada',
      asked_at: 't2',
      answer: 'so',
      answered_by: 'bob',
      answered_at: 't3',
    },
  ])
  expect(db.get('SELECT job_id FROM run')).toEqual({ job_id: null })
  const ask = (id: string, run: string | null): number =>
    db.run("INSERT INTO question (id, run_id, text, asked_by, asked_at) VALUES (?, ?, 'which?', 'a model', 't')", id, run)
  ask('q3', 'r1')
  expect(() => ask('q4', null)).toThrow(/CHECK/)
  expect(() => ask('q5', 'r-nowhere')).toThrow(/FOREIGN KEY/)
  expect(db.all('PRAGMA foreign_key_check')).toEqual([])
  db.close()
})
