import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EVENTS } from '../../src/core/telemetry/index.ts'
import { GOOD_PATCH, type Playground, createPlayground, patchOf, TINY } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

const state = (name: string): string => join(place.root, '.git', 'singularity', name)
const logFile = (): string => state(join('logs', 'cli.log'))

function events(): { name: string; data: Record<string, unknown> }[] {
  const db = new BetterSqlite3(state('state.db'), { readonly: true })
  const rows = db.prepare('SELECT name, data FROM event ORDER BY seq').all() as { name: string; data: string }[]
  db.close()
  return rows.map(({ name, data }) => ({ name, data: JSON.parse(data) as Record<string, unknown> }))
}

const named = (name: keyof typeof EVENTS) => events().filter((each) => each.name === name)

describe('the event log', () => {
  it('tells a run from its request to its totals, in the agreed names', async () => {
    const { json } = await place.run(['improve', '--patch', '-', '--dry-run'], { input: GOOD_PATCH })
    const names = events().map(({ name }) => name)
    expect(names[0]).toBe('genesis.experiment.request')
    expect(names.filter((name) => !name.startsWith('candidate.')).every((name) => Object.hasOwn(EVENTS, name))).toBe(true)
    expect(named('genesis.experiment.request')[0]!.data).toMatchObject({ base: json.data.run.base, branch: 'work', look: false })
    expect(named('genesis.experiment.status').map(({ data }) => data['phase'])).toEqual(expect.arrayContaining(['plan', 'baseline']))
    expect(named('genesis.experiment.completed').map(({ data }) => data['totals'])).toEqual([json.data.totals])
    expect(named('metrics.improvement.local').map(({ data }) => data)).toEqual([json.data.totals])
    expect(named('metrics.genesis.experiments')[0]!.data).toMatchObject({ found: 1, tried: 1 })
    expect(named('improvement.local.validated')).toHaveLength(1)
    expect(named('genesis.experiment.failed')).toEqual([])
  })

  it('tells of a candidate that is rolled back', async () => {
    const patch = patchOf('src/list.js', String(TINY['src/list.js']), (text) => text.replace('!== -1', '=== -1'))
    await place.run(['improve', '--patch', '-', '--dry-run'], { input: patch })
    expect(named('improvement.local.rolled_back').map(({ data }) => data['reason'])).toEqual([expect.any(String)])
  })

  it('tells of a run that ended by an error', async () => {
    const answer = await place.run(['improve', '--test', 'node no-such-test.js'])
    expect(answer.exitCode).toBe(6)
    expect(named('genesis.experiment.failed').map(({ data }) => data['code'])).toEqual([answer.json.error!.code])
    expect(named('genesis.experiment.completed')).toEqual([])
  })
})

describe('the log file', () => {
  it('LOG_LEVEL decides how much goes to it', async () => {
    const fail = (level: string) => place.run(['improve', '--test', 'node no-such-test.js'], { env: { LOG_LEVEL: level } })
    await fail('error')
    const levels = (): Set<string> =>
      new Set(
        readFileSync(logFile(), 'utf8')
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { level: string }).level),
      )
    expect(levels()).toEqual(new Set(['error']))
    await fail('debug')
    expect(levels()).toEqual(new Set(['error', 'info', 'debug']))
  })

  it('a bug of ours names it, and it holds the stack; another error does not', async () => {
    await place.run(['runs'])
    const usage = await place.run(['show', 'nothing'])
    expect(usage.json.error).not.toHaveProperty('log')
    expect(existsSync(logFile())).toBe(false)
    const db = new BetterSqlite3(state('state.db'))
    db.prepare(
      "INSERT INTO run (id, status, started_at, base, base_tree, request) VALUES ('r1', 'finished', '2024-01-01T00:00:00.000Z', 'x', 'x', 'no JSON')",
    ).run()
    db.close()
    const answer = await place.run(['runs'])
    expect(answer.exitCode).toBe(70)
    expect(answer.json.error).toMatchObject({ code: 'INTERNAL', kind: 'bug', log: logFile() })
    const [line] = readFileSync(logFile(), 'utf8')
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each) as { level: string; data: { error: { stack: string } } })
    expect(line).toMatchObject({ level: 'error', data: { command: 'runs' } })
    expect(line!.data.error.stack).toContain('SyntaxError')
  })
})
