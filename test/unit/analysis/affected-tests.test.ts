import { expect, test } from 'vitest'
import type { TreeReader } from '../../../src/core/git/index.ts'
import { affectedTests } from '../../../src/core/analysis/index.ts'

const reader = (files: Record<string, string>): TreeReader =>
  ({
    entries: async () => Object.keys(files).map((path) => ({ path })),
    text: async (path: string) => files[path],
  }) as unknown as TreeReader

test('aliases and packages of the repository make the answer incomplete', async () => {
  const files = {
    'tsconfig.json': '{"compilerOptions":{"paths":{"@app/*":["./src/*"]}}}',
    'src/a.ts': '',
    'a.test.ts': "import '@app/a'\n",
    'b.test.ts': "import './src/a'\n",
  }
  const answer = await affectedTests(reader(files), ['src/a.ts'], ['a.test.ts', 'b.test.ts'])
  expect(answer).toMatchObject({ files: ['b.test.ts'], complete: false, unknown: [{ path: 'a.test.ts' }] })
})

test('conftest.py reaches the tests below it, and imports over several lines are followed', async () => {
  const files = { 't/conftest.py': '', 't/test_a.py': 'from pkg import (\n    a,\n    b,\n)\n', 'pkg/b.py': '', 'test_b.py': '' }
  const tests = ['t/test_a.py', 'test_b.py']
  expect((await affectedTests(reader(files), ['t/conftest.py'], tests)).files).toEqual(['t/test_a.py'])
  expect(await affectedTests(reader(files), ['pkg/b.py'], tests)).toMatchObject({ files: ['t/test_a.py'], complete: true })
  expect((await affectedTests(reader(files), ['src/a.rs'], tests)).unknown).toHaveLength(1)
})
