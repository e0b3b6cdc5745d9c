import { join } from 'node:path'
import { expect, test } from 'vitest'
import { detectTechnologies, loadTechnologies, readDependencies } from '../../../src/core/analysis/index.ts'

const rules = loadTechnologies(join(import.meta.dirname, '..', '..', '..', 'templates_data'))

async function detect(files: Record<string, string>) {
  const [paths, read] = [Object.keys(files), async (path: string) => Buffer.from(files[path]!)]
  const { dependencies } = await readDependencies(paths, read)
  return detectTechnologies(rules, { paths, dependencies, read })
}

test('a technology has its evidence, and the version the lock file pins', async () => {
  const found = await detect({
    'package.json': '{"dependencies": {"react": "^19.0.0"}}',
    'package-lock.json': '{"packages": {"": {"dependencies": {"react": "^19.0.0"}},\n"node_modules/react": {"version": "19.1.0"}}}',
  })
  const react = found.find(({ id }) => id === 'react')
  expect(react).toMatchObject({ name: 'React', category: 'framework', version: '19.1.0', confidence: 0.95 })
  expect(react?.evidence.map(({ path, line }) => [path, line])).toEqual([
    ['package.json', 1],
    ['package-lock.json', 2],
  ])
})

test('what only comes along with something else is not a choice of the project', async () => {
  const found = await detect({
    'package.json': '{"dependencies": {"ink": "1.0.0"}}',
    'package-lock.json': '{"packages": {"": {"dependencies": {"ink": "1.0.0"}}, "node_modules/prettier": {"version": "3.0.0"}}}',
  })
  expect(found.map(({ id }) => id)).toEqual(['npm', 'ink'])
})

test('a sign in the text of a file counts only where it stands', async () => {
  expect((await detect({ 'a.yaml': 'apiVersion: apps/v1\nkind: Deployment\n' })).map(({ id }) => id)).toEqual(['kubernetes'])
  expect(await detect({ 'a.yaml': 'kind: Deployment of something\n' })).toEqual([])
})

test('every rule is one that can hold', () => {
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
  for (const { id, any } of rules)
    for (const sign of any) {
      expect([id, sign.dependency === undefined]).not.toEqual([id, sign.file === undefined])
      if (sign.text !== undefined) expect(() => new RegExp(sign.text!, 'm')).not.toThrow()
    }
})
