import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GOOD_PATCH, type Playground, candidateOf, createPlayground, refuses } from './playground.ts'

let place: Playground
beforeAll(() => {
  place = createPlayground()
  // every program of this machine but the jail
  const bin = join(place.folder, 'bin')
  mkdirSync(bin)
  const seen = new Set(['bwrap'])
  for (const folder of process.env['PATH']!.split(delimiter))
    for (const name of listing(folder)) {
      if (seen.has(name)) continue
      seen.add(name)
      symlinkSync(join(folder, name), join(bin, name))
    }
  place.env['PATH'] = bin
})
afterAll(() => place.cleanup())

const RULE = ['improve', '--rule', 'js/prefer-includes']
const PATCH = ['improve', '--patch', '-']

function listing(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

it('without a jail at hand nothing runs, and the error says what to install and how to consent', async () => {
  const own = await refuses(place, RULE, 'ISOLATION_MISSING', 6)
  expect(own.json.error!.hints.join('\n')).toMatch(/bubblewrap[\s\S]*isolation\.trustOwnTests true/)
  const foreign = await refuses(place, PATCH, 'ISOLATION_MISSING', 6, { input: GOOD_PATCH })
  expect(foreign.json.error!.hints.join('\n')).not.toContain('trustOwnTests')
})

it('under the recorded consent rules run: a person decides, and the evidence says that there was no jail', async () => {
  expect((await place.run(['config', 'set', 'isolation.trustOwnTests', 'true'])).exitCode).toBe(0)
  const answer = await place.run([...RULE, '--yes'])
  const { id, verdict, risk, state } = candidateOf(answer)
  expect({ verdict, risk, state, exitCode: answer.exitCode }, answer.stdout).toEqual({
    verdict: 'keep',
    risk: 'high',
    state: 'awaiting_approval',
    exitCode: 4,
  })
  expect(answer.json.data.isolation).toBe('none')
  expect((await place.run(['show', id])).json.data.not_proven[0]).toBe(
    'That it did nothing else: it ran without a jail (isolation.trustOwnTests).',
  )
  await refuses(place, PATCH, 'ISOLATION_MISSING', 6, { input: GOOD_PATCH })
})
