import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { random } from '../support/random.ts'
import { createBench, type Bench } from './sweep.ts'

const FULL = process.env['SINGULARITY_CRASH_FULL'] === '1'
const SEED = 20240607
const SAMPLED = 14

let bench: Bench | null
beforeAll(async () => {
  bench = await createBench()
})
afterAll(() => bench?.cleanup())

describe.each(['land', 'undo'] as const)('kill -9 during %s', (kind) => {
  it('leaves a state that recovers, wherever it strikes', { timeout: FULL ? 3_600_000 : 300_000 }, async (context) => {
    if (!bench) return context.skip('needs Linux and a C compiler')
    const next = random(SEED + kind.length)
    const count = bench.count(kind)
    expect(count).toBeGreaterThan(40)
    const targets = FULL
      ? Array.from({ length: count }, (_, index) => index + 1)
      : Array.from({ length: SAMPLED }, () => 1 + Math.floor(next() * count))
    const outcomes: Record<string, number> = { done: 0, rolled_back: 0, nothing: 0 }
    for (const target of targets) {
      const point = { target, torn: next() < 0.5, ownerOnly: next() < 0.2, index: next() < 0.3 ? ('stale' as const) : ('fresh' as const) }
      const recovery = next() < 0.25 ? 1 + Math.floor(next() * 40) : undefined
      outcomes[await bench.crash(kind, point, recovery)]!++
    }
    console.log(`${kind}: ${count} points, ${targets.length} tried: ${JSON.stringify(outcomes)}`)
    // Both ways back must have been taken, or the points miss the middle.
    expect(outcomes['rolled_back']).toBeGreaterThan(0)
    expect(outcomes['done']).toBeGreaterThan(0)
  })
})

describe.each(['land', 'undo'] as const)('%s on a full disk', (kind) => {
  it('takes its files back, at once or at the next start', { timeout: FULL ? 3_600_000 : 300_000 }, async (context) => {
    if (!bench) return context.skip('needs Linux and a C compiler')
    const next = random(SEED * 3 + kind.length)
    const count = bench.count(kind)
    const targets = FULL
      ? Array.from({ length: count }, (_, index) => index + 1)
      : Array.from({ length: 5 }, () => 1 + Math.floor(next() * count))
    const outcomes: Record<string, number> = { done: 0, rolled_back: 0, nothing: 0 }
    for (const target of targets)
      outcomes[await bench.crash(kind, { target, torn: false, ownerOnly: false, index: 'fresh', diskFull: true })]!++
    console.log(`${kind} on a full disk: ${targets.length} tried: ${JSON.stringify(outcomes)}`)
    expect(outcomes['nothing']! + outcomes['rolled_back']!).toBeGreaterThan(0)
  })
})

describe.each(['land', 'undo'] as const)('%s in two processes at once', (kind) => {
  it('happens once', { timeout: 120_000 }, async (context) => {
    if (!bench) return context.skip('needs Linux and a C compiler')
    for (let round = 0; round < 3; round++) {
      const answers = await bench.race(kind)
      expect([
        ['busy', kind === 'land' ? 'landed' : 'undone'],
        [kind === 'land' ? 'landed' : 'unchanged', kind === 'land' ? 'unchanged' : 'undone'].sort(),
      ]).toContainEqual(answers)
    }
  })
})
