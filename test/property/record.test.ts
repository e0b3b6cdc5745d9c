import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { type RunRecord, readRecord, writeRecord } from '../../src/core/improvement/record.ts'
import { replayRecord } from '../../src/core/improvement/replay.ts'
import { DEFAULT_POLICY, type Evidence, decideVerdict } from '../../src/core/validation/index.ts'
import { PLAIN, SOUND, alike, cpu, evidence, facts } from '../support/evidence.ts'

describe('records', () => {
  const folder = mkdtempSync(join(tmpdir(), 'singularity-records-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const record = fc.array(fc.tuple(evidence, facts), { minLength: 1, maxLength: 4 }).map((members): RunRecord => ({
    schema: 'singularity.record/1',
    run: {
      id: 'r1',
      base: 'b',
      baseTree: 't',
      branch: null,
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:01:00.000Z',
    },
    versions: { node: 'v20' },
    isolation: 'bubblewrap',
    request: {},
    plan: null,
    baseline: null,
    policy: DEFAULT_POLICY,
    candidates: members.map(([given, of], index) => ({
      id: `c${index}`,
      parent: null,
      title: 't',
      source: { kind: 'rules', id: 'x' },
      base: 'b',
      commit: null,
      tree: null,
      diffHash: null,
      evidence: given,
      facts: of,
      ...decideVerdict(given, DEFAULT_POLICY, of),
    })),
  }))

  test('100 records written, read and decided again give the same verdicts and reasons', () => {
    let number = 0
    fc.assert(
      fc.property(record, (given) => {
        const path = writeRecord(join(folder, `${number++}.json.gz`), given)
        const read = readRecord(path)
        const { ok, verdicts } = replayRecord(read, {})
        expect(ok).toBe(true)
        expect(verdicts.map(({ now, reasons }) => ({ now, reasons }))).toEqual(
          given.candidates.map(({ verdict, reasons }) => ({ now: verdict, reasons })),
        )
      }),
      { numRuns: 100 },
    )
    expect(number).toBeGreaterThanOrEqual(100)
  })

  const one = (change: Partial<Evidence>): RunRecord => {
    const given = { ...SOUND, ...change }
    const [sample] = fc.sample(record, { numRuns: 1, seed: 1 })
    return {
      ...sample!,
      candidates: [{ ...sample!.candidates[0]!, evidence: given, facts: PLAIN, ...decideVerdict(given, DEFAULT_POLICY, PLAIN) }],
    }
  }

  test('another threshold changes the verdicts that hang on it, and only those', () => {
    const slower = one({ metrics: [cpu({ estimate: 0.03, lower: 0.02, upper: 0.04 })] })
    expect(replayRecord(slower, {}).verdicts[0]).toMatchObject({ recorded: 'keep', now: 'keep', changed: false })
    expect(replayRecord(slower, { regression_threshold: '0.02' }).verdicts[0]).toMatchObject({ now: 'roll_back', changed: true })
    const coarse = one({ metrics: [cpu({ estimate: 0.03, lower: 0.02, upper: 0.04, control: alike(0.03) })] })
    expect(replayRecord(coarse, { regression_threshold: '0.02' }).verdicts[0]).toMatchObject({ now: 'cannot_decide', changed: true })
    expect(replayRecord(one({}), { regression_threshold: '0.02' }).verdicts[0]).toMatchObject({ now: 'keep', changed: false })
    expect(() => replayRecord(slower, { regression_threshold: 'much' })).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(() => replayRecord(slower, { colour: 'red' })).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('an altered verdict is seen by the digest, and by the replay where the digest was made to fit', () => {
    const path = writeRecord(join(folder, 'altered.json.gz'), one({ tests: { ...SOUND.tests, regressed: ['x'] } }))
    const text = gunzipSync(readFileSync(path)).toString('utf8')
    writeFileSync(path, gzipSync(text.replace('"verdict":"roll_back"', '"verdict":"keep"')))
    expect(() => readRecord(path)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
    const forged = one({ tests: { ...SOUND.tests, regressed: ['x'] } })
    const again = writeRecord(path, { ...forged, candidates: [{ ...forged.candidates[0]!, verdict: 'keep' }] })
    expect(replayRecord(readRecord(again), {})).toMatchObject({ ok: false, verdicts: [{ recorded: 'keep', now: 'roll_back' }] })
  })

  test('cut off, missing and foreign files are refused', () => {
    const path = writeRecord(join(folder, 'cut.json.gz'), one({}))
    writeFileSync(path, readFileSync(path).subarray(0, 100))
    for (const bad of [path, join(folder, 'none.json.gz')])
      expect(() => readRecord(bad)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
  })
})
