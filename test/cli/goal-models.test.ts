import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRecord } from '../../src/core/improvement/record.ts'
import { type MockModels, type ScriptedAnswer, startMockModels } from '../support/models.ts'
import { type Answer, type Playground, createPlayground } from './playground.ts'

let place: Playground
let mock: MockModels
beforeEach(async () => {
  place = createPlayground()
  mock = await startMockModels()
})
afterEach(async () => {
  await mock.close()
  place.cleanup()
})

const call = (name: string, params: Record<string, unknown>): ScriptedAnswer => ({
  toolCalls: [{ name, arguments: params }],
  usage: { input: 1000, output: 50 },
})
const GOAL = 'Use includes() to find an item in the list'
const READ = call('read', { path: 'src/list.js', range: null })
const EDIT = call('edit', { path: 'src/list.js', old: 'list.indexOf(item) !== -1', new: 'list.includes(item)' })
const DONE = call('done', { summary: 'includes says what is meant' })

function improve(provider: 'anthropic' | 'openai', ...more: string[]): Promise<Answer> {
  const env =
    provider === 'anthropic'
      ? { ANTHROPIC_API_KEY: 'key-of-the-test', ANTHROPIC_BASE_URL: mock.baseUrl('messages') }
      : { OPENAI_API_KEY: 'key-of-the-test', OPENAI_BASE_URL: mock.baseUrl('responses') }
  return place.run(['improve', '--goal', GOAL, '--dry-run', ...more], { env: { ...env, LLM_MAX_RETRIES: '0' } })
}

describe('improve --goal through queue, account and SDK', () => {
  it('makes a candidate that is kept; each turn is a paid row; its record replays', async () => {
    mock.script(READ, EDIT, DONE)
    const answer = await improve('anthropic', '--budget', '1')
    expect(answer.json.data?.candidates?.[0], answer.stdout + answer.stderr).toMatchObject({ verdict: 'keep', source: { kind: 'model' } })
    expect(mock.meter().calls).toBe(3)
    const listed = await place.run(['queue', 'list'])
    expect(listed.json.data.requests).toHaveLength(3)
    const { tool_calls: tools } = (await place.run(['queue', 'stats'])).json.data
    expect(tools).toMatchObject({ requests: 3, by_type: ['done', 'edit', 'read'].map((tool_name) => ({ tool_name, calls: 1 })) })
    const record = readRecord(`${place.root}/.git/singularity/records/${answer.json.data.run.id}.json.gz`)
    expect(JSON.stringify(record.recordings)).not.toContain('key-of-the-test')

    expect(JSON.stringify(record.recordings)).toContain(
      'found these places; none may matter:\\n<tool_output tool=\\"places\\">\\nsrc/list.js:1',
    )

    // an index would lead elsewhere, and is not asked
    await place.run(['index'])
    // the same again from its record: no key, no network, nothing asked; and not on another source
    const replay = ['improve', '--goal', GOAL, '--dry-run', '--replay', answer.json.data.run.id, '--budget', '1']
    const again = await place.run(replay)
    expect(again.json.data?.candidates?.[0], again.stdout + again.stderr).toMatchObject({ verdict: 'keep' })
    place.commit('altered', { 'src/list.js': `// altered\n${place.git('show', 'HEAD:src/list.js')}\n` })
    const miss = await place.run(replay)
    expect({ exitCode: miss.exitCode, code: miss.json.error?.code }, miss.stdout).toEqual({ exitCode: 7, code: 'REPLAY_MISS' })
    expect(miss.json.error?.message).toMatch(/The nearest is turn \d of conversation [\w-]+; it differs first in: tool: \/\/ altered/)
    expect(mock.meter().calls).toBe(3)
  })

  it('openai: goes on where the provider refused, without paying again', async () => {
    mock.script(READ, EDIT, { failure: { kind: 'http', status: 400, type: 'invalid_request_error' } })
    const failed = await improve('openai')
    expect({ exitCode: failed.exitCode, code: failed.json.error?.code }, failed.stdout).toEqual({ exitCode: 2, code: 'BAD_REQUEST' })
    mock.script(DONE)
    const answer = await improve('openai')
    expect(answer.json.data?.candidates?.[0], answer.stdout + answer.stderr).toMatchObject({ verdict: 'keep' })
    expect(mock.requests).toHaveLength(4)
  })

  it('ends at its budget: exit 5, nothing is changed', async () => {
    mock.script({ ...READ, forever: true })
    const before = place.frozen()
    const answer = await improve('anthropic', '--budget', '0.000001')
    expect({ exitCode: answer.exitCode, code: answer.json.error?.code }, answer.stdout).toEqual({ exitCode: 5, code: 'BUDGET_REACHED' })
    expect(mock.meter().nusd).toBe(0)
    expect(place.frozen()).toEqual(before)
  })
})
