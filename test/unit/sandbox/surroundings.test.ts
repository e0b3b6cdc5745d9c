import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSandboxBench, type SandboxBench } from '../../support/sandbox.ts'

let bench: SandboxBench
let before: string
const put = (path: string, text: string): void => {
  const target = join(bench.repository.root, path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, text)
}
const seen = async (): Promise<string> =>
  bench.room.fingerprint(
    await bench.room.profile({ base: 'HEAD', binaries: ['sh'], include: ['.env', 'conf'], env: {}, git: 'none', services: [] }),
  )

beforeEach(async () => {
  bench = await openSandboxBench({ '.gitignore': 'node_modules\n.venv\n.env\nconf\n', 'package.json': '{}', 'web/package.json': '{}' })
  put('.env', 'A=1')
  put('conf/deep/a.json', '1')
  put('node_modules/.package-lock.json', '{"dep":"1"}')
  put('node_modules/dep/index.js', '1')
  put('node_modules/@scope/dep/index.js', '1')
  put('node_modules/dep/.cache/x', '1')
  put('web/node_modules/dep/index.js', '1')
  put('web/src/own.js', '1')
  symlinkSync('../web', join(bench.repository.root, 'node_modules', 'web'))
  put('.venv/pyvenv.cfg', 'home = /usr/bin\n')
  put('.venv/lib/python3.11/site-packages/dep/__init__.py', '1')
  put('.venv/lib/python3.11/site-packages/dep-1.dist-info/RECORD', '1')
  before = await seen()
})
afterEach(() => bench.cleanup())

describe('the fingerprint of what a suite sees beside the commit', () => {
  it('is the same while nothing is installed or set', async () => {
    put('web/src/own.js', 'a file of the work tree, seen through the link of the workspace')
    put('node_modules/.cache/tool/x', 'a cache')
    put('node_modules/dep/__pycache__/x', 'a cache')
    put('not-included', 'x')
    expect(await seen()).toBe(before)
  })

  it.each([
    ['an included file', '.env', 'A=2'],
    ['a file in an included folder', 'conf/deep/a.json', '2'],
    ['the manifest of an installation', 'node_modules/.package-lock.json', '{"dep":"2"}'],
    ['an installed file', 'node_modules/dep/index.js', '22'],
    ['an installed file below a scope', 'node_modules/@scope/dep/index.js', '22'],
    ['an installation of a package of the workspace', 'web/node_modules/dep/index.js', '22'],
    ['a Python package', '.venv/lib/python3.11/site-packages/dep/__init__.py', '22'],
    ['another version of a Python package', '.venv/lib/python3.11/site-packages/dep-2.dist-info/RECORD', '1'],
    ['a new package', 'node_modules/other/index.js', '1'],
  ])('changes with %s', async (_name, path, text) => {
    put(path, text)
    expect(await seen()).not.toBe(before)
  })

  it('sees an edit of the same size by its time, and a file that is gone', async () => {
    const file = join(bench.repository.root, 'node_modules/dep/index.js')
    utimesSync(file, 1, 1)
    expect([existsSync(file), readFileSync(file, 'utf8'), (await seen()) === before]).toEqual([true, '1', false])
  })
})
