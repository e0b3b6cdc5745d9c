import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Playground, createPlayground } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

describe('improve --goal', () => {
  it.each([
    ['no model can be reached', ['--goal', 'Use includes'], 7, 'LLM_NOT_CONFIGURED'],
    ['an empty goal', ['--goal', ' '], 2, 'USAGE'],
    ['two sources', ['--goal', 'x', '--exec', 'true'], 2, 'USAGE'],
    ['an agent without a goal', ['--agent', 'claude'], 2, 'USAGE'],
    ['an unknown agent', ['--agent', 'hal', '--goal', 'x'], 2, 'USAGE'],
    ['a budget that is none', ['--goal', 'x', '--budget', 'much'], 2, 'USAGE'],
    ['too many turns', ['--goal', 'x', '--max-iterations', '101'], 2, 'USAGE'],
    ['too many attempts', ['--goal', 'x', '--n', '9'], 2, 'USAGE'],
    ['a budget on a login of its own', ['--agent', 'cursor', '--goal', 'x', '--budget', '1'], 2, 'USAGE'],
    ['an agent that is not logged in', ['--agent', 'cursor', '--goal', 'x'], 7, 'LLM_NOT_CONFIGURED'],
  ])('%s', async (_name, args, exitCode, code) => {
    const before = place.frozen()
    const answer = await place.run(['improve', ...args])
    expect({ exitCode: answer.exitCode, code: answer.json.error?.code }, answer.stdout + answer.stderr).toEqual({ exitCode, code })
    expect(place.frozen()).toEqual(before)
  })

  it('--agent lets an installed agent make the candidate', async () => {
    const bin = join(place.folder, 'tools')
    mkdirSync(bin)
    writeFileSync(
      join(bin, 'cursor-agent'),
      `#!/bin/sh\n[ "$1" = --version ] && exit 0\nsed -i 's/list.indexOf(item) !== -1/list.includes(item)/' src/list.js\n`,
    )
    chmodSync(join(bin, 'cursor-agent'), 0o755)
    const env = { PATH: `${bin}:${place.env['PATH']}`, CURSOR_API_KEY: 'of-a-login' }
    const answer = await place.run(['improve', '--agent', 'cursor', '--goal', 'Use includes', '--dry-run'], { env })
    expect(answer.json.data?.candidates?.[0], answer.stdout + answer.stderr).toMatchObject({
      verdict: 'keep',
      source: { kind: 'exec', id: 'cursor: Use includes' },
    })
    expect(answer.json.data.notes).toContain('cursor worked on its own login: what it cost is unmetered.')
    expect(answer.json.data.notes.join()).toContain('Cursor CLI: options and variables are taken from documentation and memory')
  })
})
