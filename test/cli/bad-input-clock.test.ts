import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, candidateOf, createPlayground, expectProven, refuses } from './playground.ts'

const DAY = 86_400_000

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

/** The environment of a program whose wall clock is off by so many days. */
function shifted(days: number): Record<string, string> {
  const file = join(place.folder, `clock${days}.mjs`)
  writeFileSync(
    file,
    `const now = Date.now.bind(Date)\nconst Real = Date\nDate.now = () => now() + ${days * DAY}\nglobalThis.Date = class extends Real {\n  constructor(...args) {\n    super(...(args.length === 0 ? [Real.now()] : args))\n  }\n}\n`,
  )
  return { NODE_OPTIONS: `--import=${file}` }
}

it('the clock jumps back by a month: what waits is still there, newer runs are still listed, and it lands', async () => {
  const proven = await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH })
  const { id } = candidateOf(proven)
  const back = shifted(-30)
  expect((await place.run(['inbox'], { env: back })).json.data.total).toBe(1)
  const again = await place.run(['improve', '--patch', '-', '--dry-run', '--retry'], { input: GOOD_PATCH, env: back })
  expectProven(again, 3)
  expect((await place.run(['runs'], { env: back })).json.data.runs).toHaveLength(2)
  expect((await place.run(['approve', id], { env: back })).json.data).toMatchObject({ id, state: 'landed' })
  expect((await place.run(['undo', id, '--yes'])).json.data).toMatchObject({ id, state: 'undone' })
})

it('the clock jumps ahead by a month: the request has expired, nothing lands, and nothing is lost', async () => {
  const { id } = candidateOf(await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH }))
  const ahead = shifted(30)
  const refused = await refuses(place, ['approve', id], 'STATE_CONFLICT', 1, { env: ahead })
  expect(refused.json.error!.message).toContain('expired')
  expect((await place.run(['inbox'], { env: ahead })).json.data.total).toBe(0)
  expect((await place.run(['show', id])).json.data.candidate).toMatchObject({ id, state: 'expired', verdict: 'keep' })
  expectProven(await place.run(['improve', '--patch', '-', '--dry-run'], { input: GOOD_PATCH }), 3)
})
