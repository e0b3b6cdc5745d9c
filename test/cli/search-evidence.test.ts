import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPlayground, type Playground, PROGRAM, TINY } from './playground.ts'

const ALONE = '\nexport function alone(list) {\n  return list.indexOf(1) !== -1 ? list.length : 0\n}\n'

let place: Playground
beforeAll(() => {
  place = createPlayground(TINY)
  place.commit('fix: what nobody tests', {
    'src/list.js': `${String(TINY['src/list.js'])}${ALONE}`,
    'src/other.js': 'export const other = 1\n',
  })
})
afterAll(() => place.cleanup())

const evidenceOf = async (query: string) => (await place.run(['search', query, '--evidence'])).json.data.results[0].evidence
const plain = (args: readonly string[], input = ''): string =>
  spawnSync(process.execPath, [PROGRAM, ...args], { cwd: place.root, env: place.env, encoding: 'utf8', input }).stdout

it('search --evidence joins a hit to tests, hot spots and fixes, and to blind spots once a run has seen them', async () => {
  expect((await place.run(['search', 'alone'])).json.data.results[0].evidence).toBe(null)
  const before = await evidenceOf('alone')
  expect(before).toMatchObject({
    tests: { files: ['test/list.test.js'] },
    blind_spots: [],
    hot_spot: { rank: 1, of: 3 },
    changes: 2,
    fixes: 1,
    last_fix: { commit: place.git('rev-parse', 'HEAD').trim(), subject: 'fix: what nobody tests' },
  })
  expect((await evidenceOf('other')).tests.files).toEqual([])

  const { exitCode, json } = await place.run(['look'])
  expect(exitCode).toBe(0)
  const base = place.git('rev-parse', 'HEAD').trim()
  expect(json.data.blind_spots.map(({ name }: { name: string }) => name)).toContain('alone')
  const [spot] = (await evidenceOf('alone')).blind_spots
  expect(spot).toEqual({ kind: 'unexercised_function', line: 9, name: 'alone', detail: 'no test runs alone', run: json.data.run.id, base })
  expect(plain(['search', 'alone', '--evidence'])).toMatch(
    /test file reaches it, hot spot 1 of 3, last fix [0-9a-f]{8} fix: what nobody tests\n +blind spot, line 9: no test runs alone \(run \w+\)\n/,
  )
  expect(JSON.parse(plain(['search', '--stdin', '--evidence'], '{"query": "alone"}\n')).data.results[0].evidence.blind_spots).toHaveLength(
    1,
  )

  // what was seen in other bytes is not told of these
  place.commit('feat: another', { 'src/list.js': `${String(TINY['src/list.js'])}${ALONE}// more\n` })
  expect((await evidenceOf('alone')).blind_spots).toEqual([])
})
