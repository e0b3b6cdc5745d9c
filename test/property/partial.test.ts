import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keepGoodPart, runBound } from '../../src/core/improvement/partial.ts'
import { findCarrier, rideTrain } from '../../src/core/improvement/train.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_value, index) => index)
const compare = (a: number, b: number): number => a - b

/** Sets of sites that break when all of them are there: single culprits and interacting pairs. */
const breaking = (count: number) => fc.array(fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 2 }), { maxLength: 5 })

const outcome = (sets: readonly number[][]) => async (subset: readonly number[]) =>
  sets.some((set) => set.every((site) => subset.includes(site))) ? ('fail' as const) : ('pass' as const)

describe('keeping the good part', () => {
  test('40 sites, 3 dropped, one of them for an interacting pair: 37 kept', async () => {
    const result = await keepGoodPart(numbers(40), { compare, test: outcome([[5], [17], [22, 33]]), maxRuns: runBound(40, 3) })
    expect(result).toMatchObject({ dropped: [5, 17, 33], confirmed: true })
    expect(result.kept).toHaveLength(37)
    expect(result.runs).toBeLessThanOrEqual(3 * 3 * Math.log2(40) + 6)
  })

  test('the kept part passes, is maximal, and does not depend on the order given', async () => {
    await fc.assert(
      fc.asyncProperty(breaking(40), fc.shuffledSubarray(numbers(40), { minLength: 40 }), async (sets, order) => {
        const check = outcome(sets)
        const result = await keepGoodPart(order, { compare, test: check, maxRuns: 1000 })
        expect(await check(result.kept)).toBe('pass')
        for (const site of result.dropped) expect(await check([...result.kept, site])).toBe('fail')
        expect([...result.kept, ...result.dropped].toSorted(compare)).toEqual(numbers(40))
        expect(result.kept).toEqual((await keepGoodPart(numbers(40), { compare, test: check, maxRuns: 1000 })).kept)
        expect(result.runs).toBeLessThanOrEqual(result.dropped.length * (Math.log2(40) + 2) + 1)
      }),
    )
  })

  test('when the runs are used up, only what was seen passing is kept', async () => {
    await fc.assert(
      fc.asyncProperty(breaking(40), fc.nat(12), async (sets, maxRuns) => {
        const check = outcome(sets)
        const result = await keepGoodPart(numbers(40), { compare, test: check, maxRuns })
        expect(result.runs).toBeLessThanOrEqual(maxRuns)
        expect(await check(result.kept)).toBe('pass')
      }),
    )
  })
})

describe('the train', () => {
  const validate = (red: readonly number[]) => async (members: readonly number[]) =>
    members.some((member) => red.includes(member)) ? ('red' as const) : ('green' as const)

  test('finds every culprit with logarithmically many validations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(15), { maxLength: 6 }), async (red) => {
        const result = await rideTrain(numbers(16), { validate: validate(red), mayContinue: () => true })
        expect(result.culprits.map(({ member }) => member).toSorted(compare)).toEqual(red.toSorted(compare))
        expect(result.kept).toEqual(numbers(16).filter((member) => !red.includes(member)))
        expect(result.validations).toBeLessThanOrEqual(red.length * (Math.log2(16) + 2) + 1)
      }),
    )
  })

  test('validates once even when the time is up, and says who stayed undecided', async () => {
    const late = { mayContinue: () => false }
    expect(await rideTrain([1, 2], { validate: validate([]), ...late })).toMatchObject({ kept: [1, 2], undecided: [], validations: 1 })
    expect(await rideTrain([1, 2], { validate: validate([2]), ...late })).toMatchObject({ kept: [], undecided: [1, 2], validations: 1 })
  })

  test('too slow as a whole, it leaves the first behind with whom it passes the margin', async () => {
    const sum = (members: readonly number[]): number => members.reduce((total, cost) => total + cost, 0)
    const costs = fc.array(fc.constantFrom(0, 1, 2, 9), { minLength: 2, maxLength: 16 }).filter((all) => sum(all) > 5)
    await fc.assert(
      fc.asyncProperty(costs, async (all) => {
        let measured = 0
        const isSlow = async (prefix: readonly number[]): Promise<boolean> => (measured++, sum(prefix) > 5)
        const found = await findCarrier(all, { isSlow, mayContinue: () => true })
        expect(sum(all.slice(0, found!.others))).toBeLessThanOrEqual(5)
        expect(sum(all.slice(0, found!.others + 1))).toBeGreaterThan(5)
        expect(found!.member).toBe(all[found!.others])
        expect(measured).toBeLessThanOrEqual(Math.ceil(Math.log2(all.length)))
      }),
    )
  })

  test('nobody is named when the time is up before it is known', async () => {
    expect(await findCarrier([1, 9], { isSlow: async () => true, mayContinue: () => false })).toBeNull()
  })
})
