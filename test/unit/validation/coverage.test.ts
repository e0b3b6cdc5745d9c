import { transformSync } from 'esbuild'
import { afterEach, describe, expect, it } from 'vitest'
import { type BaseCoverage, isExercised } from '../../../src/core/improvement/base.ts'
import { measureCoverage } from '../../../src/core/validation/index.ts'
import { type ToolchainBench, openToolchainBench } from '../../support/toolchain.ts'

let bench: ToolchainBench | undefined
afterEach(() => {
  bench?.cleanup()
  bench = undefined
})

const FILES = {
  'pytest.ini': '[pytest]\n',
  'demo.py': 'def ran():\n    return 1\n\n\ndef never():\n    return 2\n',
  'test_a.py': 'import time\nimport demo\n\n\ndef test_ran():\n    time.sleep(1.2)\n    assert demo.ran() == 1\n',
  'test_b.py': 'import demo\n\n\ndef test_hangs():\n    while True:\n        pass\n',
  'test_c.py': 'import demo\n\n\ndef test_never():\n    assert demo.never() == 2\n',
}

describe('coverage of a suite that does not come to its end', () => {
  it('keeps what was seen, and does not take the rest for unexercised', async () => {
    bench = await openToolchainBench(FILES, { modules: false })
    const [entry] = await bench.entries()
    const profile = await bench.profileFor([entry!.command[0]!, 'sh'])
    const sandbox = await bench.room.create({ commit: bench.base, purpose: 'baseline', profile })
    try {
      const cut = await measureCoverage({ sandbox, entry: entry!, timeoutMs: 15_000 })
      expect(cut?.complete).toBe(false)
      const coverage: BaseCoverage = new Map([['pytest', cut!.map]])
      coverage.unfinished = new Set(['pytest'])
      expect(isExercised(coverage, 'demo.py', [2])).toBe(true)
      expect(isExercised(coverage, 'demo.py', [6])).toBeNull()
      const one = await measureCoverage({ sandbox, entry: entry!, files: ['test_a.py'] })
      expect(one?.complete).toBe(true)
      expect(isExercised(new Map([['pytest', one!.map]]), 'demo.py', [6])).toBe(false)
      expect([...one!.map.keys()].filter((path) => path.startsWith('<'))).toEqual([])
    } finally {
      await sandbox.discard()
    }
  })
})

describe('a suite that runs what a build wrote', () => {
  const SOURCE = [
    'export type List = readonly number[]',
    '',
    'export function last(list: List): number | undefined {',
    '  return list[list.length - 1]',
    '}',
    '',
    'export function never(list: List): number | undefined {',
    '  return list[0]',
    '}',
    '',
  ].join('\n')

  it.each(['linked', 'inline'] as const)('tells the lines of the sources: %s source map', async (kind) => {
    const built = transformSync(SOURCE, {
      loader: 'ts',
      sourcefile: '../src/list.ts',
      sourcemap: kind === 'inline' ? 'inline' : 'external',
    })
    bench = await openToolchainBench({
      'package.json': '{ "type": "module", "scripts": { "test": "node --test" } }\n',
      'src/list.ts': SOURCE,
      'build/list.js': built.code + (kind === 'linked' ? '//# sourceMappingURL=list.js.map\n' : ''),
      ...(kind === 'linked' && { 'build/list.js.map': built.map }),
      'test/list.test.js': "import { test } from 'node:test'\nimport { last } from '../build/list.js'\ntest('last', () => last([1]))\n",
    })
    const [entry] = await bench.entries()
    const sandbox = await bench.room.create({ commit: bench.base, purpose: 'baseline', profile: await bench.profileFor(['node', 'sh']) })
    try {
      const seen = await measureCoverage({ sandbox, entry: entry!, timeoutMs: 60_000 })
      expect([...seen!.map.keys()]).toContain('src/list.ts')
      const coverage: BaseCoverage = new Map([[entry!.id, seen!.map]])
      expect([4, 8].map((line) => isExercised(coverage, 'src/list.ts', [line]))).toEqual([true, false])
    } finally {
      await sandbox.discard()
    }
  })
})
