import { copyFileSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ScriptedAnswer, startMockModels } from '../support/models.ts'
import { type Playground, createPlayground } from './playground.ts'

const SHOP = join(import.meta.dirname, '..', '..', 'examples', 'shop')
/** Made by this test itself, with RECORD_EXAMPLE=1: whenever the prompt, the tools or the example change. */
const RECORD = join(import.meta.dirname, '..', '..', 'examples', 'recorded', 'shop-has-own.json.gz')
const GOAL = ['improve', '--goal', 'Use Object.hasOwn in hasPrice', 'src/catalog.js']
/** Whether the machine is quiet enough to compare times is another matter. */
const env = { SINGULARITY_REGRESSION_THRESHOLD: '1' }

let place: Playground
beforeEach(() => {
  const files = readdirSync(SHOP, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())
  place = createPlayground(
    Object.fromEntries(
      files.map(({ parentPath, name }) => [relative(SHOP, join(parentPath, name)), readFileSync(join(parentPath, name), 'utf8')]),
    ),
  )
})
afterEach(() => place.cleanup())

const call = (name: string, params: Record<string, unknown>): ScriptedAnswer => ({
  toolCalls: [{ name, arguments: params }],
  usage: { input: 1000, output: 50 },
})
const SCRIPT = [
  call('read', { path: 'src/catalog.js', range: null }),
  call('replace_symbol', {
    path: 'src/catalog.js',
    symbol: 'hasPrice',
    content: "export function hasPrice(product) {\n  return Object.hasOwn(product, 'price')\n}",
  }),
  call('done', { summary: 'Object.hasOwn says the same in fewer words.' }),
]

async function recordAnew(): Promise<void> {
  const mock = await startMockModels({ answers: SCRIPT })
  const made = await place.run([...GOAL, '--dry-run'], {
    env: { ...env, ANTHROPIC_API_KEY: 'key-of-the-test', ANTHROPIC_BASE_URL: mock.baseUrl('messages') },
  })
  await mock.close()
  expect(made.json.data?.candidates?.[0], made.stdout + made.stderr).toMatchObject({ verdict: 'keep' })
  copyFileSync(join(place.root, '.git/singularity/records', `${made.json.data.run.id}.json.gz`), RECORD)
}

describe('the recorded run of the example', () => {
  it('needs no key and no network: kept, landed, undone, replayed; on an altered source it fails loudly', async () => {
    if (process.env['RECORD_EXAMPLE']) await recordAnew()
    const run = await place.run([...GOAL, '--replay', RECORD, '--offline'], { env })
    const [candidate] = run.json.data?.candidates ?? []
    expect(candidate, run.stdout + run.stderr).toMatchObject({ verdict: 'keep', source: { kind: 'model' }, state: 'awaiting_approval' })
    expect((await place.run(['approve', candidate.id])).json.data).toMatchObject({ state: 'landed' })
    expect(place.git('show', 'HEAD:src/catalog.js')).toContain("Object.hasOwn(product, 'price')")
    expect((await place.run(['undo', candidate.id, '--yes'])).exitCode).toBe(0)
    expect(place.git('show', 'HEAD:src/catalog.js')).toBe(readFileSync(join(SHOP, 'src/catalog.js'), 'utf8').trimEnd())
    expect((await place.run(['replay', run.json.data.run.id])).exitCode).toBe(0)

    place.commit('altered', { 'src/catalog.js': `// altered\n${readFileSync(join(SHOP, 'src/catalog.js'), 'utf8')}` })
    const miss = await place.run([...GOAL, '--replay', RECORD, '--offline'], { env })
    expect({ exitCode: miss.exitCode, code: miss.json.error?.code }, miss.stdout).toEqual({ exitCode: 7, code: 'REPLAY_MISS' })
    expect(miss.json.error?.message).toMatch(/The nearest is turn 2 of .*; it differs first in: tool: \/\/ altered/)
  })
})
