import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SpaceCard } from '../../../src/core/embedding/index.ts'
import { createGit, discoverRepository } from '../../../src/core/git/index.ts'
import { type VectorSpace, createSearch } from '../../../src/core/search/index.ts'
import { type TestRepository, createRepository } from '../../support/repository.ts'
import { BUCKETS, factReader, openSearch } from '../../support/search.ts'

const FILES = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`f${at}.py`, `def name${at}():\n    return "text number ${at}"\n`]))
const CARD: SpaceCard = {
  dimensions: 24,
  scale: 100,
  calibration: [
    [-1, 0],
    [1, 1],
  ],
}

let repository: TestRepository
beforeEach(() => {
  repository = createRepository(FILES)
})
afterEach(() => repository.cleanup())

/** A model that has to be waited for, as those of folders and servers are. */
function slow(id: string, more: Partial<VectorSpace> = {}): VectorSpace & { kept: (SpaceCard | undefined)[]; texts: string[] } {
  const kept: (SpaceCard | undefined)[] = []
  const texts: string[] = []
  return {
    ...BUCKETS,
    id,
    pace: { batch: 2, beforeAnswer: 2 },
    prepare: async (card) => {
      kept.push(card)
      return card ?? CARD
    },
    embedDocuments: async (chunks) => {
      texts.push(...chunks.map(({ text }) => text))
      return BUCKETS.embedDocuments(chunks)
    },
    ...more,
    kept,
    texts,
  }
}
const ask = async (space: VectorSpace, reopen?: (id: string) => Promise<VectorSpace | undefined>) =>
  (await openSearch(repository, undefined, { space, reopen })).search({ text: 'where is text number three returned' })

it('the old space answers while the new one is made, and one commit later the new one does', async () => {
  const [old, fresh] = [slow('old'), slow('fresh')]
  await (await openSearch(repository, undefined, { space: old })).index()
  const seen: (string | null)[] = []
  const watching = slow('fresh', {
    embedDocuments: async (chunks) => {
      // in the middle of the build: somebody else searches
      seen.push((await ask(fresh, async (id) => (id === 'old' ? old : undefined))).model)
      return BUCKETS.embedDocuments(chunks)
    },
  })
  await (await openSearch(repository, undefined, { space: watching })).index()
  expect(seen).toEqual(['old', 'old', 'old'])
  expect(await ask(fresh)).toMatchObject({ mode: 'hybrid', model: 'fresh', note: null })
  expect((await (await openSearch(repository)).status()).spaces).toEqual([{ model: 'fresh', vectors: 6, missing: 0 }])
})

it('a build that ends in the middle loses one batch; the next one makes the rest, with the scale of the first', async () => {
  let batches = 0
  const dying = slow('model', {
    embedDocuments: async (chunks) => {
      if (++batches === 3) throw new Error('killed')
      return BUCKETS.embedDocuments(chunks)
    },
  })
  await expect((await openSearch(repository, undefined, { space: dying })).index()).rejects.toThrow('killed')
  const next = slow('model')
  expect(await (await openSearch(repository, undefined, { space: next })).index()).toMatchObject({ embedded: 2, reusedEmbeddings: 4 })
  expect(next.kept).toEqual([CARD])
  expect(next.texts).toHaveLength(2)
})

it('a search makes few missing vectors before it answers, leaves many to the index, and says so', async () => {
  const space = slow('model')
  await (await openSearch(repository, undefined, { space })).index()
  repository.write({ 'one.py': 'def one():\n    return "text number one more"\n' })
  expect(await ask(space)).toMatchObject({ mode: 'hybrid', freshness: { state: 'exact' } })
  repository.write(Object.fromEntries([1, 2, 3].map((at) => [`more${at}.py`, `def more${at}():\n    return "another ${at}"\n`])))
  expect(await ask(space)).toMatchObject({
    mode: 'lexical',
    model: null,
    freshness: { state: 'exact' },
    note: expect.stringContaining('no vectors of 3 pieces'),
  })
  // the same bytes on another path are known by their content
  expect(await (await openSearch(repository, undefined, { space })).index()).toMatchObject({ embedded: 3 })
  repository.write({ 'one.py': null, 'moved/elsewhere.py': 'def one():\n    return "text number one more"\n' })
  expect(await (await openSearch(repository, undefined, { space })).index()).toMatchObject({ embedded: 0, reusedEmbeddings: 10 })
})

it('the vectors of another worktree stay until it has those of the new model too', async () => {
  const other = join(repository.root, '..', 'other')
  repository.git('worktree', 'add', '--quiet', other)
  const git = createGit(await discoverRepository({ cwd: other, env: process.env }), { env: process.env })
  const searchThere = (space: VectorSpace) =>
    createSearch({
      git,
      folder: join(git.repository.commonDir, 'singularity'),
      reader: factReader(),
      now: () => Date.now(),
      monotonic: () => performance.now(),
      exclude: [],
      patienceMs: 1_000_000,
      floor: 0.1,
      space: async () => space,
    })
  const [old, fresh] = [slow('old'), slow('fresh')]
  await (await openSearch(repository, undefined, { space: old })).index()
  writeFileSync(join(other, 'own.py'), 'def own():\n    return "text number of its own"\n')
  await searchThere(old).index()
  await (await openSearch(repository, undefined, { space: fresh })).index()
  expect(await searchThere(old).search({ text: 'which text is its own' })).toMatchObject({ mode: 'hybrid', model: 'old' })
  await searchThere(fresh).index()
  expect((await searchThere(fresh).status()).spaces).toEqual([{ model: 'fresh', vectors: 7, missing: 0 }])
  git.close()
  rmSync(other, { recursive: true, force: true })
})

it('vectors of a model that cannot be used any more are never compared with those of another', async () => {
  await (await openSearch(repository, undefined, { space: slow('old') })).index()
  await expect(ask(slow('fresh'))).rejects.toMatchObject({
    code: 'EMBEDDING_MISMATCH',
    exitCode: 6,
    data: { index: ['old'], model: 'fresh' },
  })
})
