import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { readDecisions, readRecord } from '../../src/core/improvement/record.ts'
import { rebuildResults } from '../../src/core/improvement/results.ts'
import type { Baseline } from '../../src/core/validation/index.ts'
import { type Playground, TINY, createPlayground, refuses } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

const FUNCTIONS = ['one', 'two', 'three']
const FILES = {
  ...TINY,
  'src/list.js': FUNCTIONS.map((name) => `export function ${name}(list, item) {\n  return list.indexOf(item) !== -1\n}\n`).join('\n'),
  'test/list.test.js': [
    `import assert from 'node:assert/strict'`,
    "import { test } from 'node:test'",
    "import * as all from '../src/list.js'",
    ...FUNCTIONS.map((name) => `test('${name}', () => assert.equal(all.${name}([1], 1), true))`),
    "test('only indexOf', () => assert.equal(all.two({ indexOf: () => 0 }, 1), true))",
    '',
  ].join('\n'),
}

it('a record holds every result of wholes and parts, and what was decided later; it replays without any object', async () => {
  place = createPlayground(FILES)
  const answer = await place.run(['improve', '--source', 'rules', '--rule', 'js/prefer-includes'])
  const run: string = answer.json.data.run.id
  const path = join(place.root, '.git', 'singularity', 'records', `${run}.json.gz`)
  const record = readRecord(path)
  const [whole, part] = record.candidates
  expect(record.candidates).toHaveLength(2)
  expect(part!.parent).toBe(whole!.id)
  expect(whole!.replacedBy).toBe(part!.id)
  expect(part!.verdict).toBe('keep')

  const { statuses } = (record.baseline as Baseline).entries[0]!
  const told = [whole!, part!].map(({ results }) => rebuildResults(statuses, results!.at(-1)!.suites[0]!))
  const broken = 'test/list.test.js::only indexOf'
  expect(told[0]).toEqual({ ...statuses, [broken]: 'fail' })
  expect(told[1]).toEqual(statuses)
  expect(part!.results!.at(-1)!.suites[0]!.changed).toEqual({})
  expect(readDecisions(path).map(({ candidate, state }) => [candidate, state])).toEqual([
    [whole!.id, 'abandoned'],
    [part!.id, 'awaiting_approval'],
  ])

  await place.run(['approve', part!.id])
  const landed = place.git('rev-parse', 'HEAD')
  await place.run(['undo', part!.id])
  const decision = readDecisions(path).find(({ candidate }) => candidate === part!.id)!
  expect(decision).toMatchObject({
    state: 'undone',
    answer: { status: 'approved', by: expect.stringMatching(/.+/), via: 'command', diffHash: part!.diffHash },
    landed: { commit: landed, ref: 'refs/heads/work' },
    undone: place.git('rev-parse', 'HEAD'),
  })
  expect(decision.history.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['candidate.approved', 'candidate.landed', 'candidate.undo_asked', 'candidate.undone']),
  )
  expect(readRecord(path)).toEqual(record)
  const replayed = await place.run(['replay', run])
  expect(replayed.json.data).toMatchObject({ ok: true, problems: [] })
  expect(replayed.json.data.verdicts.map(({ id }: { id: string }) => id)).toEqual([whole!.id, part!.id])

  // a record as older versions wrote it
  const envelope = JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'))
  const altered = structuredClone(envelope)
  altered.decisions.list[1].answer.by = 'somebody else'
  writeFileSync(path, gzipSync(JSON.stringify(altered)))
  await refuses(place, ['replay', run], 'RECORD_INVALID', 1)
  writeFileSync(path, gzipSync(JSON.stringify({ digest: envelope.digest, record: envelope.record })))
  expect((await place.run(['replay', run])).json.data.ok).toBe(true)
})
