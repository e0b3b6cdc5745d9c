import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hasTerminal, openTerminal } from '../support/terminal.ts'
import { type Playground, createPlayground, refuses } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

const userFile = (): string => join(place.folder, 'config', 'singularity', 'llm.json')

/** As the data file of genai-prices has them: prices by date, tiers, ids that only look alike. */
const THEIRS = JSON.stringify([
  {
    id: 'openai',
    models: [
      { id: 'gpt-6-luna', match: { starts_with: 'gpt-6-luna' }, prices: { input_mtok: 0.25, output_mtok: 0.5, cache_read_mtok: 0.025 } },
      {
        id: 'gpt-6-sol',
        prices: [
          { prices: { input_mtok: 4, output_mtok: 10 } },
          {
            constraint: { start_date: '2026-01-01' },
            prices: { input_mtok: { base: 3, tiers: [{ start: 272_000, price: 6 }] }, output_mtok: 9, cache_read_mtok: 0.3 },
          },
          { constraint: { start_date: '2999-01-01' }, prices: { input_mtok: 1, output_mtok: 1 } },
          { constraint: { start_time: '10:00:00Z', end_time: '12:00:00Z' }, prices: { input_mtok: 2, output_mtok: 2 } },
        ],
      },
      { id: 'gpt-6-astra-2026', match: { starts_with: 'gpt-6-astra' }, prices: { input_mtok: 1, output_mtok: 1 } },
    ],
  },
  {
    id: 'anthropic',
    models: [{ id: 'claude-sonnet-5', prices: { input_mtok: 2, output_mtok: 10, cache_read_mtok: 0.2, cache_write_mtok: 2.5 } }],
  },
])

it('shows the difference of exact ids only, asks for a yes, and keeps comments', async () => {
  const file = join(place.folder, 'data.json')
  writeFileSync(file, THEIRS)
  const asked = await place.run(['llm', 'prices', 'import', file])
  expect(asked.exitCode, asked.stdout).toBe(4)
  expect(existsSync(userFile())).toBe(false)
  const { changes, unchanged, unmatched, written, format } = asked.json.data
  expect({ written, format, unchanged }).toEqual({ written: false, format: 'genai-prices', unchanged: ['anthropic/claude-sonnet-5'] })
  expect(changes).toEqual([
    {
      model: 'openai/gpt-6-sol',
      id: 'gpt-6-sol',
      before: { input: 4, output: 10, cache_read: 0.4, cache_write: 4, tiers: [] },
      after: { input: 3, output: 9, cache_read: 0.3, cache_write: 3, tiers: [{ above_input_tokens: 272_000, input: 6, output: 9 }] },
    },
    {
      model: 'openai/gpt-6-luna',
      id: 'gpt-6-luna',
      before: { input: 0.2, output: 0.5, cache_read: 0.2, cache_write: 0.2, tiers: [] },
      after: { input: 0.25, output: 0.5, cache_read: 0.025, cache_write: 0.25, tiers: [] },
    },
  ])
  expect(unmatched).toContain('openai/gpt-6-astra')

  // a file in a folder of dotfiles, with comments and own choices
  const dotfile = join(place.folder, 'dotfiles', 'llm.json')
  mkdirSync(dirname(dotfile))
  mkdirSync(dirname(userFile()), { recursive: true })
  writeFileSync(dotfile, '{\n  // cheap first\n  "budgets": { "day_usd": 2 } // enough\n}\n')
  symlinkSync(dotfile, userFile())
  expect((await place.run(['llm', 'prices', 'import', file, '--dry-run'])).exitCode).toBe(0)
  expect(readFileSync(dotfile, 'utf8')).not.toContain('gpt-6-sol')
  const done = await place.run(['llm', 'prices', 'import', '-', '--yes'], { input: THEIRS })
  expect({ exitCode: done.exitCode, written: done.json.data.written }).toEqual({ exitCode: 0, written: true })
  const text = readFileSync(dotfile, 'utf8')
  expect(text).toContain('// cheap first')
  expect(text).toContain('// enough')
  expect(lstatSync(userFile()).isSymbolicLink()).toBe(true)
  const { models } = (await place.run(['llm', 'models'])).json.data as {
    models: { model: string; usd_per_mtok: object; price_source: string }[]
  }
  expect(models.find(({ model }) => model === 'openai/gpt-6-sol')).toMatchObject({
    usd_per_mtok: { input: 3, output: 9, cache_read: 0.3, cache_write: 3 },
    price_source: 'genai-prices',
  })
  const again = await place.run(['llm', 'prices', 'import', file])
  expect({ exitCode: again.exitCode, changes: again.json.data.changes }).toEqual({ exitCode: 0, changes: [] })
})

it('reads our own shape, and refuses what is none', async () => {
  const own = JSON.stringify({
    'openai/gpt-6-luna': { input: 0.3, output: 0.6 },
    'claude-sonnet-5': { usd_per_mtok: { input: 2, output: 11 } },
  })
  const { json } = await place.run(['llm', 'prices', 'import', '-', '--dry-run'], { input: own })
  expect(json.data.changes.map(({ model }: { model: string }) => model)).toEqual(['openai/gpt-6-luna', 'anthropic/claude-sonnet-5'])
  // writing into the provider's cache goes on costing more than an input
  expect(json.data.changes[1].after).toEqual({ input: 2, output: 11, cache_read: 2, cache_write: 2.5, tiers: [] })
  await refuses(place, ['llm', 'prices', 'import', '-'], 'REQUEST_INVALID', 2, { input: '{"gpt-6-luna": ' })
  await refuses(place, ['llm', 'prices', 'import', '-'], 'REQUEST_INVALID', 2, { input: '{"gpt-6-luna": {"input": -1, "output": 2}}' })
  await refuses(place, ['llm', 'prices', 'import', 'missing.json'], 'USAGE', 2)
})

it.skipIf(!hasTerminal)('on a terminal it shows, asks and takes a no', async () => {
  writeFileSync(join(place.root, 'data.json'), THEIRS)
  const terminal = openTerminal(place, ['llm', 'prices', 'import', 'data.json'])
  await terminal.sees('[y]es, [n]o:')
  expect(terminal.raw()).toContain('2 prices change')
  terminal.type('n\n')
  await terminal.sees('Nothing was written.')
  expect(await terminal.done).toBe(0)
  expect(existsSync(userFile())).toBe(false)
})
