import { afterEach, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, candidateOf, createPlayground, refuses } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

it('a candidate whose commit git has cleaned up: show still answers, diff and approve say why and what to do', async () => {
  place = createPlayground()
  const { id, commit } = candidateOf(await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH }))
  expect((await place.run(['diff', id])).exitCode).toBe(0)
  expect((await place.run(['reject', id, '--reason', 'not now'])).exitCode).toBe(0)
  place.git('reflog', 'expire', '--expire=now', '--all')
  place.git('gc', '--quiet', '--prune=now')
  expect(() => place.git('cat-file', '-e', commit)).toThrow()

  const { json } = await refuses(place, ['diff', id], 'CHANGE_GONE', 1)
  expect(json.error!.message).toContain('declined')
  expect(json.error!.hints.join('\n')).toContain('singularity improve --patch')
  await refuses(place, ['approve', id], 'CHANGE_GONE', 1)
  expect((await place.run(['show', id])).json.data.candidate).toMatchObject({ id, state: 'declined' })
})
