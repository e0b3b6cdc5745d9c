import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger, redact, redactText, type LogLevel } from '../../../src/core/telemetry/index.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 }
const open = (level: LogLevel, more: { maxBytes?: number; keep?: number } = {}) =>
  createLogger({ folder: join(folder, 'logs'), part: 'cli', level, clock, pid: 7, ...more })
const lines = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)

describe('the log file', () => {
  it('holds one JSON line per message of the wanted level or above, readable by its owner only', () => {
    const log = open('warn')
    log.debug('a')
    log.info('b')
    log.warn('c', { x: 1 })
    log.error('d')
    expect(lines(log.path)).toEqual([
      { at: '2023-11-14T22:13:20.000Z', level: 'warn', pid: 7, message: 'c', data: { x: 1 } },
      { at: '2023-11-14T22:13:20.000Z', level: 'error', pid: 7, message: 'd' },
    ])
    expect(statSync(log.path).mode & 0o777).toBe(0o600)
  })

  it('makes no file where nothing is written', () => {
    open('error').info('quiet')
    expect(existsSync(join(folder, 'logs'))).toBe(false)
  })

  it('never grows beyond its files, and keeps the newest lines', () => {
    const log = open('info', { maxBytes: 1000, keep: 2 })
    for (let index = 0; index < 200; index++) log.info(`message ${index}`)
    const names = readdirSync(join(folder, 'logs')).toSorted()
    expect(names).toEqual(['cli.log', 'cli.log.1', 'cli.log.2'])
    for (const name of names) expect(statSync(join(folder, 'logs', name)).size).toBeLessThan(1200)
    expect(lines(log.path).at(-1)).toMatchObject({ message: 'message 199' })
    const all = names.toReversed().flatMap((name) => lines(join(folder, 'logs', name)) as { message: string }[])
    const numbers = all.map(({ message }) => Number(message.split(' ')[1]))
    expect(numbers).toEqual(numbers.map((_each, index) => numbers[0]! + index))
  })

  it('fails no command where it cannot be written', () => {
    writeFileSync(join(folder, 'logs'), 'a file where the folder should be')
    expect(() => open('info').error('lost')).not.toThrow()
  })
})

describe('secrets', () => {
  it.each([
    `sk-${'a1B2'.repeat(8)}`,
    'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
    'github_pat_11ABCDEFG0abcdefghij_klmnop',
    'AKIAIOSFODNN7EXAMPLE',
    'xoxb-123456789012-abcdefABCDEF',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
  ])('%s is hidden wherever it stands', (secret) => {
    for (const text of [secret, `before ${secret} after`, `{"x":"${secret}"}`, `url?x=${secret}&y=1`]) {
      expect(redactText(text)).not.toContain(secret)
      const log = open('info')
      log.info(text, { nested: [{ text }], error: new Error(text) })
      expect(readFileSync(log.path, 'utf8')).not.toContain(secret)
    }
  })

  it('hides passwords in addresses, headers and assignments, and leaves the rest readable', () => {
    expect(redactText('https://ada:hunter2@example.org/x')).toBe('https://ada:[hidden]@example.org/x')
    expect(redactText('Authorization: Bearer abcdefghijklmnop')).not.toContain('abcdefghijklmnop')
    expect(redactText('API_KEY=abc run')).toBe('API_KEY=[hidden] run')
    expect(redactText('tests: 12 pass, 0 fail in src/list.js:7')).toBe('tests: 12 pass, 0 fail in src/list.js:7')
  })

  it('hides what has a telling name, at any depth', () => {
    expect(redact({ a: { apiKey: 'x', password: 'y', list: [{ token: 'z' }] }, kept: 1 })).toEqual({
      a: { apiKey: '[hidden]', password: '[hidden]', list: [{ token: '[hidden]' }] },
      kept: 1,
    })
  })

  it('answers for every value, also one that holds itself', () => {
    const self: Record<string, unknown> = {}
    self['self'] = self
    expect(() => JSON.stringify(redact(self))).not.toThrow()
    fc.assert(fc.property(fc.anything(), (value) => redact(value) !== undefined || value === undefined))
    fc.assert(fc.property(fc.string(), (text) => redactText(redactText(text)) === redactText(text)))
  })
})
