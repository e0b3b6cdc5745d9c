import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FileContent } from '../support/repository.ts'
import { GOOD_PATCH, type Playground, TINY, candidateOf, createPlayground, expectProven, judge, patchOf, refuses } from './playground.ts'

const HEAD = `import assert from 'node:assert/strict'\nimport { test } from 'node:test'\n`

async function inPlayground(files: Record<string, FileContent>, body: (place: Playground) => Promise<void>): Promise<void> {
  const place = createPlayground(files)
  try {
    await body(place)
  } finally {
    place.cleanup()
  }
}

const USES_DEPENDENCY = {
  'package.json': `${JSON.stringify({ name: 'uses', type: 'module', scripts: { test: 'node --test' }, dependencies: { dep: '1.0.0' } })}\n`,
  '.gitignore': 'node_modules\ndist\n',
  'test/dep.test.js': `${HEAD}import dep from 'dep'\ntest('dep', () => assert.equal(dep, 1))\n`,
}
const DEPENDENCY = {
  'node_modules/dep/package.json': '{ "name": "dep", "version": "1.0.0", "main": "index.js" }\n',
  'node_modules/dep/index.js': 'module.exports = 1\n',
}

describe('dependencies', () => {
  it.each([
    ['no lock file', {}],
    ['a lock file', { 'package-lock.json': '{ "name": "uses", "lockfileVersion": 3, "packages": {} }\n' }],
    ['a lock file of another manager', { 'yarn.lock': '# yarn lockfile v1\n' }],
  ])('%s: what is installed is what counts, and a dirty lock file stays as it is', (_name, lock: Record<string, string>) =>
    inPlayground({ ...TINY, ...USES_DEPENDENCY, ...lock }, async (place) => {
      place.write(DEPENDENCY)
      for (const name of Object.keys(lock)) place.write({ [name]: 'out of date and not committed\n' })
      expectProven(await judge(place, GOOD_PATCH), 4)
    }),
  )

  it('missing node_modules are named as the cause, with the command that installs them', () =>
    inPlayground({ ...USES_DEPENDENCY, 'src/list.js': TINY['src/list.js']! }, async (place) => {
      const answer = await refuses(place, ['improve', '--patch', '-', '--dry-run'], 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH })
      expect(answer.json.error!.hints.join('\n')).toMatch(/npm (?:ci|install)/)
    }))
})

describe('workspaces', () => {
  const member = (name: string, dependencies: Record<string, string> = {}): string =>
    `${JSON.stringify({ name, version: '1.0.0', type: 'module', main: 'index.js', engines: { node: '>=18' }, scripts: { test: 'node --test' }, dependencies })}\n`
  const PACKAGES = {
    '.gitignore': 'node_modules\n',
    'packages/base/package.json': member('base'),
    'packages/base/index.js': 'export function last(list) {\n  return list[list.length - 1]\n}\n',
    'packages/base/base.test.js': `${HEAD}import { last } from './index.js'\ntest('last', () => assert.equal(last([1, 2]), 2))\n`,
    'packages/user/package.json': member('user', { base: 'workspace:*' }),
    'packages/user/index.js': "import { last } from 'base'\nexport const end = (text) => last([...text])\n",
    'packages/user/user.test.js': `${HEAD}import { end } from './index.js'\ntest('end', () => assert.equal(end('ab'), 'b'))\n`,
  }
  const patch = (to: string): string =>
    patchOf('packages/base/index.js', PACKAGES['packages/base/index.js'], (text) => text.replace('list[list.length - 1]', to))

  it('pnpm: links in the members, the package and its dependents are tested', () =>
    inPlayground(
      {
        ...PACKAGES,
        'package.json': '{ "name": "root", "private": true }\n',
        'pnpm-workspace.yaml': "packages:\n  - 'packages/*'\n",
        'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      },
      async (place) => {
        mkdirSync(join(place.root, 'packages/user/node_modules'))
        symlinkSync('../../base', join(place.root, 'packages/user/node_modules/base'))
        const answer = await judge(place, patch('list.at(-1)'))
        expectProven(answer, 2)
        expect(answer.json.data.plan.entries.map(({ scope }: { scope: string }) => scope).toSorted()).toEqual([
          'packages/base',
          'packages/user',
        ])
        const broken = candidateOf(
          await judge(
            place,
            patch('list.length > 1 ? list[list.length - 1] : undefined').replace('> 1', '> 1 && typeof list[0] === "number"'),
          ),
        )
        expect({ verdict: broken.verdict, regressed: broken.evidence.tests.regressed }).toEqual({
          verdict: 'roll_back',
          regressed: ['packages/user/user.test.js::end'],
        })
      },
    ))

  it('yarn: links at the top, run from a folder below', () =>
    inPlayground(
      {
        ...PACKAGES,
        'package.json': '{ "name": "root", "private": true, "workspaces": ["packages/*"] }\n',
        'yarn.lock': '# yarn lockfile v1\n',
      },
      async (place) => {
        mkdirSync(join(place.root, 'node_modules'))
        for (const name of ['base', 'user']) symlinkSync(`../packages/${name}`, join(place.root, 'node_modules', name))
        expectProven(await judge(place, patch('list.at(-1)'), [], { cwd: join(place.root, 'packages/user') }), 2)
      },
    ))
})

describe('suites that test what a build makes', () => {
  const BUILT = {
    ...TINY,
    '.gitignore': 'dist\n',
    'build.mjs': "import { cpSync } from 'node:fs'\ncpSync('src', 'dist', { recursive: true })\n",
    'test/list.test.js': String(TINY['test/list.test.js']).replace('../src/', '../dist/'),
  }

  it('plan.build makes it from the candidate, not from what lies around', () =>
    inPlayground({ ...BUILT, '.singularity/config.json': '{ "plan": { "build": "node build.mjs" } }\n' }, async (place) => {
      place.write({ 'dist/list.js': 'throw new Error("an old build")\n' })
      expectProven(await judge(place, GOOD_PATCH), 3)
      const broken = candidateOf(await judge(place, GOOD_PATCH.replace('list.includes(item)', '!list.includes(item)')))
      expect(broken).toMatchObject({ verdict: 'roll_back', reasons: [{ code: 'tests_regressed' }] })
    }))

  it('without it the run says that a build is missing', () =>
    inPlayground(BUILT, async (place) => {
      const answer = await refuses(place, ['improve', '--patch', '-', '--dry-run'], 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH })
      expect(answer.json.error!.hints.join('\n')).toContain('plan.build')
    }))
})

const python = ((): string | null => {
  try {
    return realpathSync(execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim())
  } catch {
    return null
  }
})()

describe.skipIf(python === null)('an editable Python install', () => {
  const FILES = {
    'pyproject.toml': '[project]\nname = "thing"\nversion = "1.0"\nrequires-python = ">=3.8"\n',
    '.gitignore': '.venv\n__pycache__\n',
    'src/thing/__init__.py': 'def has(items, item):\n    return len([each for each in items if each == item]) > 0\n',
    'tests/__init__.py': '',
    'tests/test_thing.py':
      'import subprocess\nimport unittest\nfrom thing import has\n\n\nsubprocess.Popen(["sleep", "30"], start_new_session=True, stdout=-3, stderr=-3)\n\n\nclass TestHas(unittest.TestCase):\n    def test_in(self):\n        self.assertTrue(has([1], 1))\n\n    def test_out(self):\n        self.assertFalse(has([1], 2))\n',
  }
  const patch = (to: string): string =>
    patchOf('src/thing/__init__.py', FILES['src/thing/__init__.py'], (text) =>
      text.replace('len([each for each in items if each == item]) > 0', to),
    )

  it("the sandbox's source is what is imported, although the link in the environment names the original path", () =>
    inPlayground(FILES, async (place) => {
      execFileSync(python!, ['-m', 'venv', '--without-pip', join(place.root, '.venv')], { env: place.env })
      const [site] = execFileSync('sh', ['-c', `ls -d '${place.root}'/.venv/lib/python*/site-packages`], { encoding: 'utf8' })
        .trim()
        .split('\n')
      writeFileSync(join(site!, '__editable__.thing.pth'), `${join(place.root, 'src')}\n`)
      expectProven(await judge(place, patch('item in items'), ['--test', '.venv/bin/python -m unittest']), 2)
      const broken = candidateOf(await judge(place, patch('item not in items'), ['--test', '.venv/bin/python -m unittest']))
      expect({ verdict: broken.verdict, count: broken.evidence.tests.regressed.length }).toEqual({ verdict: 'roll_back', count: 2 })
    }))
})
