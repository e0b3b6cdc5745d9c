import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Playground, TINY, candidateOf, createPlayground, judge, patchOf } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

/** Right, but the file grows by far more than 5 %. */
const GROWS = patchOf('src/list.js', String(TINY['src/list.js']), (text) =>
  text.replace('list.indexOf(item) !== -1', `list.includes(item) // ${'x'.repeat(100)}`),
)
const SIZE = ['--metric', 'size[bytes,lower]=wc -c < src/list.js']

it('a metric that got worse rolls the candidate back; with auto_rollback_on_regression false a person weighs it', async () => {
  const usual = await judge(place, GROWS, SIZE)
  expect({ exitCode: usual.exitCode, ...pick(usual) }, usual.stdout).toEqual({ exitCode: 1, verdict: 'roll_back', codes: ['metric_worse'] })
  const again = await place.run(['replay', usual.json.data.run.id, '--set', 'auto_rollback_on_regression=false'])
  expect(again.json.data.verdicts, again.stdout).toMatchObject([{ recorded: 'roll_back', now: 'cannot_decide' }])
  const asked = await judge(place, GROWS, SIZE, { env: { SINGULARITY_AUTO_ROLLBACK_ON_REGRESSION: 'false' } })
  expect({ exitCode: asked.exitCode, verdict: pick(asked).verdict }, asked.stdout).toEqual({ exitCode: 3, verdict: 'cannot_decide' })
  expect(pick(asked).codes).toContain('metric_worse')
})

function pick(answer: Parameters<typeof candidateOf>[0]): { verdict: string; codes: string[] } {
  const { verdict, reasons } = candidateOf(answer)
  return { verdict, codes: reasons.map(({ code }: { code: string }) => code) }
}
