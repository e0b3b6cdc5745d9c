import { afterAll, beforeAll, expect, it } from 'vitest'
import { rankByHeat } from '../../../src/core/improvement/rank.ts'
import type { Proposal } from '../../../src/core/improvement/source.ts'
import type { Session } from '../../../src/core/improvement/session.ts'
import { type TestRepository, createRepository } from '../../support/repository.ts'

let repository: TestRepository
beforeAll(() => {
  const branchy = 'export const f = (a) => (a ? (a > 1 ? 2 : 1) : 0)\n'
  repository = createRepository({ 'quiet.js': branchy, 'hot.js': branchy, 'plain.js': 'export const a = 1\n' })
  for (const at of [1, 2, 3])
    repository.commit(`fix: ${at}`, { 'hot.js': `${branchy}// ${at}\n`, 'plain.js': `export const a = ${at + 1}\n` })
})
afterAll(() => repository.cleanup())

const proposal = (file: string, more: Partial<Proposal> = {}): Proposal => ({
  title: file,
  source: { kind: 'rules', id: file, version: '1' },
  fingerprint: file,
  scope: '',
  sites: [{ file, line: 1, edits: [] }],
  changes: [],
  reason: '',
  safety: 'safe',
  value: 3,
  explicit: false,
  ...more,
})

it('what is complex and changes often comes first among equals; safety and value go before', async () => {
  const git = await repository.open()
  const session = { deps: { git }, base: 'HEAD', reader: git.reader('HEAD'), stopSoon: new AbortController().signal } as unknown as Session
  const order = async (proposals: Proposal[]) => (await rankByHeat(session, proposals)).map(({ title }) => title)
  expect(await order([proposal('quiet.js'), proposal('plain.js'), proposal('hot.js')])).toEqual(['hot.js', 'plain.js', 'quiet.js'])
  expect(await order([proposal('quiet.js', { value: 5 }), proposal('hot.js')])).toEqual(['quiet.js', 'hot.js'])
  expect(await order([proposal('quiet.js'), proposal('hot.js', { safety: 'semantic' })])).toEqual(['quiet.js', 'hot.js'])
  const stopped = { ...session, stopSoon: AbortSignal.abort() } as Session
  expect((await rankByHeat(stopped, [proposal('quiet.js'), proposal('hot.js')])).map(({ title }) => title)).toEqual(['quiet.js', 'hot.js'])
})
