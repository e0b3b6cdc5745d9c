import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

const alerts = pathToFileURL(join(import.meta.dirname, '..', '..', '..', 'bench', 'alerts.mjs')).href
const { alertsOf } = (await import(alerts)) as { alertsOf(name: string, before: unknown, now: unknown): string[] }

const queue = (ratio: number) => ({
  mode: 'full',
  plainjob: { normal: { perSecond: { ours: { claim: ratio } }, ratios: { claim: ratio } } },
})
const start = (ratio: number, mode = 'full') => ({ mode, floorMs: 1000 / ratio, cpuRatios: { status: ratio } })
const code = (...rows: [string, number][]) => ({ mode: 'full', corpora: rows.map(([name, againstParse]) => ({ name, againstParse })) })

describe('benchmark alerts', () => {
  it('name a ratio that fell by more than a fifth, and no other', () => {
    expect(alertsOf('queue', queue(10), queue(7.9))).toEqual([
      'queue › plainjob › normal › ratios › claim: 10 in the baseline, now 7.9, 21 % worse',
    ])
    expect(alertsOf('queue', queue(10), queue(8.1))).toEqual([])
    expect(alertsOf('queue', queue(10), queue(30))).toEqual([])
  })

  it('know that a start that takes longer is worse', () => {
    expect(alertsOf('startUp', start(2), start(2.6))).toEqual(['startUp › cpuRatios › status: 2 in the baseline, now 2.6, 23 % worse'])
    expect(alertsOf('startUp', start(2), start(2.4))).toEqual([])
    expect(alertsOf('startUp', start(2), start(1))).toEqual([])
  })

  it('find rows by their names, wherever they stand, and tell of one that is gone', () => {
    const before = code(['Python', 1], ['Go', 1])
    expect(alertsOf('code', before, code(['Go', 0.5], ['Python', 1]))).toEqual([
      'code › corpora › Go › againstParse: 1 in the baseline, now 0.5, 50 % worse',
    ])
    expect(alertsOf('code', before, code(['Go', 1]))).toEqual([
      'code › corpora › Python › againstParse: 1 in the baseline, not measured any more',
    ])
  })

  it('take one false accept where there was none for a loss of everything', () => {
    const accepts = (accepted: number) => ({ mode: 'full', tampering: { faults: 30, accepted } })
    expect(alertsOf('falseAccepts', accepts(0), accepts(1))).toEqual([
      'falseAccepts › tampering › accepted: 0 in the baseline, now 1, 100 % worse',
    ])
    expect(alertsOf('falseAccepts', accepts(0), accepts(0))).toEqual([])
  })

  it('compare only runs of the same kind with something that was measured before', () => {
    expect(alertsOf('startUp', start(2), start(9, 'quick'))).toEqual([])
    expect(alertsOf('startUp', undefined, start(9))).toEqual([])
  })

  it('watch figures that the baseline has', () => {
    const file = join(import.meta.dirname, '..', '..', 'perf', 'baselines.json')
    const { parts } = JSON.parse(readFileSync(file, 'utf8')) as { parts: Record<string, { mode: string }> }
    const silent = Object.keys(parts).filter((name) => alertsOf(name, parts[name], { mode: parts[name]!.mode }).length === 0)
    expect(silent).toEqual([])
  })
})
