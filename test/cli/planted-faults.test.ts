import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { FileContent } from '../support/repository.ts'
import { hasProgram } from '../support/toolchain.ts'
import { PROGRAM, createPlayground } from './playground.ts'

/** What a look says about the planted faults of a repository: how many, how many noticed, and where not. */
async function look(files: Record<string, FileContent>): Promise<{ planted: number; noticed: number; unnoticed: string[] }> {
  const place = createPlayground(files)
  try {
    const { json, exitCode, stdout, stderr } = await place.run(['look'])
    expect(exitCode, stdout.slice(0, 2000) + stderr.slice(0, 2000)).toBe(0)
    const unnoticed = json.data.blind_spots.filter(({ kind }: { kind: string }) => kind === 'unnoticed_fault')
    return { ...json.data.baseline.control, unnoticed: unnoticed.map(({ name }: { name: string }) => name) }
  } finally {
    place.cleanup()
  }
}

const GO_TEST = 'package demo\n\nimport "testing"\n\n'

describe('planted faults', () => {
  it.skipIf(!hasProgram('go'))('go: what the compiler refuses is not noticed by the tests, what they fail on is', async () => {
    // the only fault there is, `last` one higher, is an index out of range to the compiler
    const refused = 'package demo\n\nconst last = 1\n\nfunc Last(pair [2]int) int {\n\treturn pair[last]\n}\n'
    const files = {
      'go.mod': 'module example.org/demo\n\ngo 1.19\n',
      'last.go': refused,
      'last_test.go': `${GO_TEST}func TestLast(t *testing.T) {\n\tif Last([2]int{1, 2}) != 2 {\n\t\tt.Fatal("last")\n\t}\n}\n`,
    }
    const more = {
      'big.go': 'package demo\n\nfunc Big(n int) bool {\n\treturn n > 10\n}\n\nfunc Small(n int) bool {\n\treturn n < 10\n}\n',
      'big_test.go': `${GO_TEST}func TestBig(t *testing.T) {\n\tif !Big(11) {\n\t\tt.Fatal("big")\n\t}\n\tSmall(1)\n}\n`,
    }
    expect(await look({ ...files, ...more })).toEqual({ planted: 2, noticed: 1, unnoticed: ['Small'] })
  })

  it('node: a program that no longer loads is noticed', async () => {
    const files = {
      'package.json': '{ "name": "x", "type": "module", "scripts": { "test": "node --test" } }\n',
      'src/a.js': 'const items = ["a", "b"]\nexport const a = items[1].length\n',
      'test/a.test.js': "import { test } from 'node:test'\nimport { a } from '../src/a.js'\ntest('a', () => { a.toFixed() })\n",
    }
    expect(await look(files)).toEqual({ planted: 1, noticed: 1, unnoticed: [] })
  })

  it('each is told on a line of its own where there is no terminal', () => {
    const place = createPlayground()
    try {
      const { status, stderr } = spawnSync(process.execPath, [PROGRAM, 'look'], { cwd: place.root, env: place.env, encoding: 'utf8' })
      expect(status, stderr).toBe(0)
      const told = stderr.split('\n').filter((line) => line.startsWith('control: '))
      expect(told.length, stderr).toBeGreaterThan(1)
      expect(told).toEqual(
        told.map((_line, index) => expect.stringMatching(`^control: planted fault ${index + 1} of ${told.length}: src/list\\.js:\\d+$`)),
      )
    } finally {
      place.cleanup()
    }
  })

  it('pytest: a module that no longer loads is noticed, a test without an assertion notices nothing', async () => {
    const files = {
      'pytest.ini': '[pytest]\n',
      'demo.py': 'ITEMS = ["a", "b"]\nSECOND = ITEMS[1]\n\n\ndef blind(n):\n    return n > 3\n',
      'test_demo.py': 'import demo\n\n\ndef test_demo():\n    assert demo.SECOND == "b"\n    demo.blind(1)\n',
    }
    expect(await look(files)).toEqual({ planted: 3, noticed: 2, unnoticed: ['blind'] })
  })
})
