import { mkdirSync, readdirSync, rmSync, watch } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Refresh, WatchOptions } from '../../../src/core/search/index.ts'
import { type TestRepository, createRepository } from '../../support/repository.ts'
import { openSearch } from '../../support/search.ts'

let repository: TestRepository
let stop: AbortController
beforeEach(() => {
  repository = createRepository({ 'src/a.py': 'def alpha():\n    return 1\n', 'src/b.py': 'def beta():\n    return 2\n' })
  stop = new AbortController()
})
afterEach(() => {
  stop.abort()
  repository.cleanup()
})

const paths = async (text: string): Promise<string[]> => {
  const { hits, freshness } = await (await openSearch(repository)).search({ text })
  expect(freshness.state).toBe('exact')
  return hits.map(({ path }) => path)
}

async function start(more: Partial<WatchOptions> = {}) {
  const seen: Refresh[] = []
  const notes: string[] = []
  const search = await openSearch(repository)
  const onNote = (text: string): void => void notes.push(text)
  const done = search.watch({ signal: stop.signal, onRefresh: (refresh) => seen.push(refresh), onNote, ...more })
  const refreshes = (count: number): Promise<void> =>
    vi.waitFor(() => expect(seen.length, notes.join()).toBeGreaterThanOrEqual(count), { timeout: 30_000, interval: 20 })
  await refreshes(1)
  return { seen, notes, done, refreshes, search }
}

it('reads what changes, in folders that were not there before too, and tells nothing where nothing changed', async () => {
  const { seen, done, refreshes } = await start()
  expect(seen[0]).toMatchObject({ state: 'built', mode: 'events' })
  repository.write({ 'src/a.py': 'def gamma():\n    return 1\n' })
  await refreshes(2)
  mkdirSync(join(repository.root, 'new/deep'), { recursive: true })
  repository.write({ 'new/deep/c.py': 'def delta():\n    return 3\n' })
  await refreshes(3)
  expect(seen.slice(1).map(({ files }) => files.parsed)).toEqual([1, 1])
  expect([await paths('gamma'), await paths('alpha'), await paths('delta')]).toEqual([['src/a.py'], [], ['new/deep/c.py']])
  stop.abort()
  await done
  expect(seen).toHaveLength(3)
})

it('joins many saves into few refreshes: at most one in 400 ms', async () => {
  const { seen, refreshes } = await start()
  const began = performance.now()
  for (let at = 0; at < 60; at++) repository.write({ 'src/a.py': `def save${at}():\n    return ${at}\n` })
  await refreshes(2)
  await vi.waitFor(async () => expect(await paths('save59')).toEqual(['src/a.py']), { timeout: 20_000, interval: 100 })
  expect(seen.length - 1).toBeLessThanOrEqual(Math.ceil((performance.now() - began) / 400))
})

it('follows a switch of branches, and an index that is deleted or replaced meanwhile', async () => {
  const { seen, refreshes, search } = await start()
  repository.git('checkout', '--quiet', '-b', 'other')
  repository.write({ 'src/a.py': 'def epsilon():\n    return 1\n' })
  repository.git('commit', '--quiet', '-am', 'other')
  await refreshes(2)
  repository.git('checkout', '--quiet', '-')
  await refreshes(3)
  expect([await paths('alpha'), await paths('epsilon')]).toEqual([['src/a.py'], []])
  await search.index({ full: true }) // another process would do the same
  repository.write({ 'src/b.py': 'def zeta():\n    return 1\n' })
  await refreshes(4)
  const folder = join(repository.root, '.git/singularity')
  for (const name of readdirSync(folder)) if (name.startsWith('index')) rmSync(join(folder, name))
  repository.write({ 'src/b.py': 'def eta():\n    return 1\n' })
  await refreshes(5)
  expect(seen.at(-1)!.state).toBe('built')
  expect(await search.verify({ againstFresh: true })).toMatchObject({ ok: true })
})

it('asks git every two seconds where the system allows no more watches, and says so', async () => {
  let allowed = 1
  const few = ((...args: Parameters<typeof watch>) => {
    if (allowed-- > 0) return watch(...args)
    throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' })
  }) as typeof watch
  const { seen, notes, refreshes } = await start({ watchFolder: few })
  expect(seen[0]!.mode).toBe('polling')
  expect(notes).toEqual([expect.stringContaining('max_user_watches')])
  repository.write({ 'src/a.py': 'def theta():\n    return 1\n' })
  await refreshes(2)
  expect(await paths('theta')).toEqual(['src/a.py'])
})

it('ends with an error where the folder is gone', async () => {
  const { done } = await start()
  const ended = expect(done).rejects.toMatchObject({ code: 'NOT_FOUND' })
  rmSync(repository.root, { recursive: true })
  await ended
})
