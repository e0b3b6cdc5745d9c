import { describe, expect, it } from 'vitest'
import { createPlainScan, createScan } from '../../src/core/search/distances.ts'

/** The bench has sixteen; a machine that is shared has less. */
const LEAST = 4
const [DIMENSIONS, COUNT, ROUNDS] = [128, 20_000, 15]

describe('the scan of a process that is asked again', () => {
  it(`is ${LEAST} times as fast in WebAssembly as in JavaScript, taken in turn`, () => {
    const vectors = Int8Array.from({ length: DIMENSIONS * COUNT }, (_, at) => ((at * 2_654_435_761) >>> 24) - 128)
    const query = vectors.subarray(0, DIMENSIONS)
    const [wasm, plain] = [createScan(DIMENSIONS, COUNT), createPlainScan(DIMENSIONS)]
    expect(wasm.kind).toBe('wasm')
    const took = [wasm, plain].map((scan) => {
      scan.append(vectors)
      return { scan, times: [] as number[] }
    })
    for (let round = 0; round < ROUNDS; round++)
      for (const { scan, times } of took) {
        const started = process.cpuUsage()
        scan.distances(query)
        const { user, system } = process.cpuUsage(started)
        times.push(user + system)
      }
    const [fast, slow] = took.map(({ times }) => times.sort((a, b) => a - b)[ROUNDS >> 1]!) as [number, number]
    expect(slow / fast).toBeGreaterThan(LEAST)
  })
})
