import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { FileContent } from '../support/repository.ts'
import { GOOD_PATCH, type Playground, TINY, candidateOf, createPlayground } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

const below = (folder: string): Record<string, FileContent> =>
  Object.fromEntries(Object.entries(TINY).map(([path, content]) => [`${folder}/${path}`, content]))

it('a package below the top is proven from the top and from inside, by its own tests', async () => {
  place = createPlayground({ 'readme.md': '# no package here\n', ...below('web'), ...below('other') })
  const patch = GOOD_PATCH.replaceAll('src/list.js', 'web/src/list.js')
  for (const cwd of [place.root, join(place.root, 'web')]) {
    const answer = await place.run(['improve', '--patch', '-', '--dry-run'], { input: patch, cwd })
    expect(answer.exitCode, answer.stdout + answer.stderr).toBe(0)
    expect(answer.json.data.plan.entries.map(({ id }: { id: string }) => id)).toEqual(['node-test:other', 'node-test:web'])
    expect(candidateOf(answer)).toMatchObject({ verdict: 'keep', evidence: { tests: { candidate: { pass: 3 } } } })
  }
  const look = await place.run(['look'], { cwd: join(place.root, 'web') })
  expect([look.exitCode, look.json.data.baseline.tests.pass]).toEqual([0, 6])
})
