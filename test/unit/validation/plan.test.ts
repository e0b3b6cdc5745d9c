import { afterEach, describe, expect, it } from 'vitest'
import {
  detectPlan,
  entriesFor,
  stepsFor,
  isProtectedPath,
  isTestPath,
  type Plan,
  type PlanOptions,
} from '../../../src/core/validation/index.ts'
import { createRepository, type FileContent, type TestRepository } from '../../support/repository.ts'

let repository: TestRepository | undefined
afterEach(() => {
  repository?.cleanup()
  repository = undefined
})

/** The plan of a real commit; `installed` is written to the checkout only, as an installation would. */
async function planOf(
  files: Record<string, FileContent>,
  options: Partial<PlanOptions> = {},
  installed: Record<string, string> = {},
): Promise<Plan> {
  repository = createRepository({ '.gitignore': 'node_modules\n', ...files })
  repository.write(Object.fromEntries(Object.entries(installed).map(([name, bin]) => [`node_modules/${name}`, bin])))
  const git = await repository.open()
  const defaults = { prefix: '', test: null, build: null, env: {}, timeoutMs: null, scopes: [] }
  const plan = await detectPlan({ reader: git.reader('HEAD'), root: repository.root, ...defaults, ...options })
  git.close()
  return plan
}

const json = (value: unknown): string => JSON.stringify(value)
const calls = (plan: Plan): string[] => plan.entries.map(({ id, command, targets = [] }) => `${id}: ${[...command, ...targets].join(' ')}`)
const script = (test: string, more: Record<string, unknown> = {}): Record<string, string> => ({
  'package.json': json({ scripts: { test, ...more } }),
})

describe('the script of a package', () => {
  it('that is a suite of its own makes the files it names tests', async () => {
    const plan = await planOf({
      ...script('node scripts/verify.js && sh ./check/all.sh'),
      'scripts/verify.js': '',
      'scripts/other.js': '',
      'check/all.sh': '',
    })
    const paths = ['scripts/verify.js', 'check/all.sh', 'scripts/other.js']
    expect(paths.map((path) => isTestPath(path, plan))).toEqual([true, true, false])
  })

  it.each([
    ['vitest', 'vitest: node node_modules/vitest/vitest.mjs run'],
    ['vitest --config ci.mts run', 'vitest: node node_modules/vitest/vitest.mjs run --config ci.mts'],
    ['vitest run --coverage --reporter=dot src', 'vitest: node node_modules/vitest/vitest.mjs run src'],
    ['cross-env NODE_ENV=test jest --watch --coverage -c x.json', 'jest: node node_modules/jest/bin/jest.js -c x.json'],
    [
      'c8 --reporter lcov mocha -r ts-node/register "test/**/*.ts"',
      'mocha: node node_modules/mocha/bin/mocha.js -r ts-node/register test/**/*.ts',
    ],
    ['nyc ava --tap | tap-spec', 'ava: node node_modules/ava/entrypoints/cli.mjs'],
    ['npx tape test/*.js', 'tap: node node_modules/tape/bin/tape test/*.js'],
    ['node --experimental-vm-modules node_modules/jest/bin/jest.js', 'jest: node --experimental-vm-modules node_modules/jest/bin/jest.js'],
    ['tsc && eslint . && node --import tsx --test', 'node-test: node --test --import tsx'],
    ['npm run lint && npm run unit -- --bail', 'vitest: node node_modules/vitest/vitest.mjs run --dir src'],
    ['run-s lint unit', 'vitest: node node_modules/vitest/vitest.mjs run --dir src'],
    ['python -m pytest -x --cov=pkg tests', 'pytest: python3 -m pytest tests'],
    ['go test -v -race ./pkg/...', undefined],
  ])('%s', async (test, expected) => {
    const plan = await planOf(script(test, { lint: 'eslint .', unit: 'vitest run --dir src' }))
    expect(calls(plan)).toEqual(expected === undefined ? [expect.stringMatching(/^command: sh -c/)] : [expected])
  })

  it('keeps the environment of a script', async () => {
    const plan = await planOf(script('cross-env NODE_ENV=test NODE_OPTIONS=--conditions=x jest'))
    expect(plan.entries[0]!.env).toMatchObject({ NODE_ENV: 'test', NODE_OPTIONS: '--conditions=x' })
  })

  it('runs what it does not know as a whole, and says so', async () => {
    const plan = await planOf(script('./run-my-tests.sh $HOME'))
    expect(plan.entries).toMatchObject([{ id: 'command', runner: 'command' }])
    expect(plan.notes.join()).toContain('it can only pass or fail as a whole')
  })

  it('calls a runner twice when the script does, with other arguments', async () => {
    expect(calls(await planOf(script('mocha a && mocha b && mocha a')))).toEqual([
      'mocha: node node_modules/mocha/bin/mocha.js a',
      'mocha#2: node node_modules/mocha/bin/mocha.js b',
    ])
  })

  it('expands the globs of node --test at the base', async () => {
    const plan = await planOf({
      ...script('node --test "test/**/*.test.js"'),
      'test/a.test.js': '',
      'test/deep/b.test.js': '',
      'src/c.test.js': '',
    })
    expect(plan.entries[0]!.targets).toEqual(['test/a.test.js', 'test/deep/b.test.js'])
  })

  it('is not believed when npm wrote it', async () => {
    expect((await planOf(script('echo "Error: no test specified" && exit 1'))).entries).toEqual([])
  })

  it('gives way to --test, which keeps a precise report where it names one known runner', async () => {
    expect(calls(await planOf(script('jest'), { test: 'npx vitest run src' }))).toEqual([
      'vitest: node node_modules/vitest/vitest.mjs run src',
    ])
    expect((await planOf(script('jest'), { test: 'make check' })).entries).toMatchObject([{ runner: 'command', origin: '--test' }])
  })
})

describe('python sources below src', () => {
  it('come before an installed copy, unless something there is compiled', async () => {
    const files = { 'pytest.ini': '', 'src/pkg/__init__.py': '' }
    expect((await planOf(files)).entries[0]!.env).toMatchObject({ PYTHONPATH: 'src' })
    repository?.cleanup()
    expect((await planOf({ ...files, 'src/pkg/_fast.c': '' })).entries[0]!.env).not.toHaveProperty('PYTHONPATH')
  })
})

describe('tox', () => {
  const tests = { 'tests/test_a.py': 'import unittest\n' }
  const toxIni = (commands: string): Record<string, string> => ({
    ...tests,
    'tox.ini': `[tox]\nenvlist = py3\n[testenv]\ndeps = x\ncommands =${commands}\n[testenv:lint]\ncommands = pytest lint\n`,
  })

  it.each([
    [' pytest {posargs}', ['pytest: python3 -m pytest']],
    ['\n    pytest --cov pkg -m "not slow" \\\n      {posargs:tests}', ['pytest: python3 -m pytest -m not slow tests']],
    [
      '\n    coverage erase\n    coverage run --source pkg -m pytest {posargs:tests/}\n    - coverage report',
      ['pytest: python3 -m pytest tests/'],
    ],
    [' py3: {envpython} -W error -m unittest discover -s tests', ['unittest: python3 -W error discover -s tests']],
    [' python -m coverage run -p -m unittest', ['unittest: python3 discover']],
    ['\n  !cov: {envbindir}/pytest {toxinidir}/tests', ['pytest: python3 -m pytest ./tests']],
    [' pytest -v --basetemp={env_tmp_dir} {posargs:tests}', ['pytest: python3 -m pytest tests']],
    [' nosetests', ['pytest: python3 -m pytest tests']],
    [' pytest {[base]args}', ['unittest: python3 discover -s tests']],
    [' flake8', ['unittest: python3 discover -s tests']],
  ])('commands =%s', async (commands, expected) => {
    expect(calls(await planOf(toxIni(commands)))).toEqual(expected)
  })

  it.each([
    [
      '[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ncommands =\n    pytest {posargs:tests}\n"""\n',
      'pyproject.toml [testenv] (pytest tests)',
    ],
    [
      '[tool.tox.env_run_base]\ncommands = [["coverage", "erase"], ["coverage", "run", "-m", "pytest", { replace = "posargs", default = ["tests"], extend = true }]]\n',
      'pyproject.toml [tool.tox] env_run_base (coverage run -m pytest tests)',
    ],
  ])('pyproject.toml: %s', async (text, origin) => {
    const plan = await planOf({ ...tests, 'pyproject.toml': text })
    expect(calls(plan)).toEqual(['pytest: python3 -m pytest tests'])
    expect(plan.entries[0]!.origin).toBe(origin)
  })
})

describe('without a script', () => {
  it.each<[string, Record<string, FileContent>, string[]]>([
    ['a vitest configuration', { 'package.json': '{}', 'vitest.config.ts': '' }, ['vitest']],
    ['pytest in pyproject', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, ['pytest']],
    ['unittest', { 'setup.py': '', 'tests/test_a.py': 'import unittest\n' }, ['unittest']],
    ['go', { 'go.mod': 'module example.org/x\n' }, ['go']],
    ['cargo', { 'Cargo.toml': '[package]\nname = "x"\n' }, ['cargo']],
    ['ctest', { 'CMakeLists.txt': 'project(x C)\nenable_testing()\n' }, ['ctest']],
    ['CMake without tests', { 'CMakeLists.txt': 'project(x C)\n' }, []],
    ['two languages in one folder', { 'package.json': json({ scripts: { test: 'jest' } }), 'pytest.ini': '' }, ['jest', 'pytest']],
    ['nothing', { 'readme.md': '' }, []],
  ])('%s', async (_name, files, expected) => {
    expect((await planOf(files)).entries.map(({ runner }) => runner)).toEqual(expected)
  })

  it('reads the base commit, never the working tree', async () => {
    repository = createRepository(script('jest'))
    repository.write(script('true'))
    const git = await repository.open()
    const plan = await detectPlan({
      reader: git.reader('HEAD'),
      root: repository.root,
      prefix: '',
      test: null,
      build: null,
      env: {},
      timeoutMs: null,
      scopes: [],
    })
    git.close()
    expect(plan.entries.map(({ runner }) => runner)).toEqual(['jest'])
  })

  it('replaces addopts that would change the report', async () => {
    const plan = await planOf({ 'pytest.ini': '[pytest]\naddopts = -x --cov=pkg --cov-report term\n  -p no:randomly\n' })
    expect(plan.entries[0]!.command).toEqual(['python3', '-m', 'pytest', '-o', 'addopts=-p no:randomly'])
  })
})

describe('workspaces', () => {
  const packages = (names: Record<string, string[]>, test: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(names).map(([name, needs]) => [
        `packages/${name}/package.json`,
        json({ name: `@x/${name}`, scripts: { test }, dependencies: Object.fromEntries(needs.map((need) => [`@x/${need}`, '*'])) }),
      ]),
    )

  it('has one entry per package, and none for a top script that only sends the work there', async () => {
    for (const test of ['npm test --workspaces', 'pnpm -r test', 'turbo run test']) {
      const plan = await planOf({
        'package.json': json({ workspaces: ['packages/*', '!packages/old'], scripts: { test } }),
        ...packages({ a: [], b: ['a'], old: [] }, 'jest'),
      })
      expect(plan.entries.map(({ id }) => id)).toEqual(['jest:packages/a', 'jest:packages/b'])
      repository!.cleanup()
    }
  })

  it('follows dependents, and takes everything for a shared file', async () => {
    const plan = await planOf({
      'package.json': json({ workspaces: ['packages/*'] }),
      ...packages({ a: [], b: ['a'], c: ['b'], d: [] }, 'mocha'),
    })
    const ids = (...paths: string[]): string[] => entriesFor(plan, paths).map(({ scope }) => scope)
    expect(ids('packages/b/src/x.js')).toEqual(['packages/b', 'packages/c'])
    expect(ids('packages/d/x.js')).toEqual(['packages/d'])
    expect(ids('packages/a/x.js')).toEqual(['packages/a', 'packages/b', 'packages/c'])
    expect(ids('tsconfig.base.json')).toHaveLength(4)
  })

  it('does not run twice what a vitest at the top runs anyway', async () => {
    const plan = await planOf({
      'package.json': json({ workspaces: ['packages/*'], scripts: { test: 'vitest' } }),
      ...packages({ a: [] }, 'vitest run'),
    })
    expect(plan.entries.map(({ id }) => id)).toEqual(['vitest'])
    expect(plan.notes.join()).toContain('packages/a')
  })

  it('checks and builds what a change reaches, and builds what that is built from', async () => {
    const build = (name: string, ...on: string[]): Record<string, string> => ({
      [`packages/${name}/package.json`]: json({
        name,
        scripts: { test: 'mocha', build: 'tsc', pretest: 'npm run build' },
        dependencies: Object.fromEntries(on.map((other) => [other, 'workspace:*'])),
      }),
    })
    const plan = await planOf({
      'package.json': json({ workspaces: ['packages/*'] }),
      ...build('a', 'z'),
      ...build('b', 'a'),
      ...build('c'),
      ...build('z'),
    })
    const steps = (path: string): string[] => stepsFor(plan, [path], entriesFor(plan, [path])).map(({ id }) => id)
    expect(plan.steps.map(({ id }) => id)).toEqual(['build:packages/z', 'build:packages/a', 'build:packages/b', 'build:packages/c'])
    expect(steps('packages/a/src/x.js')).toEqual(['build:packages/z', 'build:packages/a', 'build:packages/b'])
    expect(steps('packages/c/src/x.js')).toEqual(['build:packages/c'])
    expect(steps('tsconfig.json')).toHaveLength(4)
  })

  it('takes the suites of the packages where the top only lists the runner, and those with a configuration of their own', async () => {
    const plan = await planOf({
      'package.json': json({ workspaces: ['packages/*'], devDependencies: { vitest: '4.0.0' } }),
      ...packages({ a: [], b: [] }, 'vitest --config ../../.config/ci.mts run'),
    })
    expect(plan.entries.map(({ id }) => id)).toEqual(['vitest:packages/a', 'vitest:packages/b'])
  })

  it('knows pnpm, Go modules and Cargo packages', async () => {
    const pnpm = await planOf({ 'package.json': '{}', 'pnpm-workspace.yaml': 'packages: ["packages/*"]\n', ...packages({ a: [] }, 'jest') })
    expect(pnpm.entries.map(({ id }) => id)).toEqual(['jest:packages/a'])
    repository!.cleanup()
    const go = await planOf({
      'go.work': 'go 1.19\nuse (\n\t./lib\n\t./app\n)\n',
      'lib/go.mod': 'module example.org/lib\n',
      'app/go.mod': 'module example.org/app\nrequire (\n\texample.org/lib v0.0.0\n)\n',
    })
    expect(entriesFor(go, ['lib/x.go']).map(({ id }) => id)).toEqual(['go:app', 'go:lib'])
    expect(entriesFor(go, ['app/x.go']).map(({ id }) => id)).toEqual(['go:app'])
    repository!.cleanup()
    const cargo = await planOf({
      'Cargo.toml': '[workspace]\nmembers = ["one", "two"]\n',
      'one/Cargo.toml': '[package]\nname = "one"\n',
      'two/Cargo.toml': '[package]\nname = "two"\n[dependencies]\none = { path = "../one" }\n',
    })
    expect(entriesFor(cargo, ['one/src/lib.rs']).map(({ id }) => id)).toContain('cargo:two')
  })

  it('restricts itself to plan.scope', async () => {
    const plan = await planOf(
      { 'package.json': json({ workspaces: ['packages/*'] }), ...packages({ a: [], b: [] }, 'jest') },
      { scopes: ['packages/b'] },
    )
    expect(plan.entries.map(({ id }) => id)).toEqual(['jest:packages/b'])
  })
})

describe('packages that no workspace declares', () => {
  const nodeTest = "import { test } from 'node:test'\ntest('x', () => {})\n"
  const own = (folder: string, manifest: unknown = { scripts: { test: 'node --test' } }): Record<string, string> => ({
    [`${folder}/package.json`]: json(manifest),
    [`${folder}/test/x.test.js`]: nodeTest,
  })

  it('have an entry each where they have tests, also without a package at the top', async () => {
    const plan = await planOf({ ...own('one'), ...own('apps/two', { name: 'two' }), 'cjs/package.json': json({ type: 'commonjs' }) })
    expect(plan.entries.map(({ id, scope }) => `${id} in ${scope}`)).toEqual(['node-test:apps/two in apps/two', 'node-test:one in one'])
    expect(entriesFor(plan, ['one/index.js']).map(({ scope }) => scope)).toEqual(['one'])
    expect(plan.packages.map(({ scope }) => scope)).toEqual(['', 'apps/two', 'one'])
  })

  it('matter to changes of their own folder only', async () => {
    const plan = await planOf({ 'go.mod': 'module x\n', 'x_test.go': 'package x\n', ...own('web') })
    expect(plan.entries.map(({ id }) => id)).toEqual(['go', 'node-test:web'])
    expect(entriesFor(plan, ['x.go']).map(({ id }) => id)).toEqual(['go'])
    expect(entriesFor(plan, ['web/index.js']).map(({ id }) => id)).toEqual(['go', 'node-test:web'])
    expect(entriesFor(plan, ['x.go', 'web/index.js'])).toHaveLength(2)
  })

  it('are not those of tests, of other people, or excluded from the workspace', async () => {
    const folders = ['node_modules/a', 'vendor/a', 'test/fixtures/a', 'test/a', 'examples/a', 'packages/old', 'src/__tests__/a']
    const files = Object.assign({}, ...folders.map((folder) => own(folder))) as Record<string, string>
    const plan = await planOf({
      'package.json': json({ workspaces: ['packages/*', '!packages/old'], scripts: { test: 'mocha' } }),
      ...files,
    })
    expect(plan.entries.map(({ id }) => id)).toEqual(['mocha'])
  })

  it('are left out where they are not installed, unless there is nothing else', async () => {
    const needy = own('web', { scripts: { test: 'vitest run' }, devDependencies: { vitest: '1' } })
    const beside = await planOf({ ...script('node --test'), ...needy })
    expect(beside.entries.map(({ id }) => id)).toEqual(['node-test'])
    expect(beside.notes.join()).toMatch(/web .*not installed/)
    repository!.cleanup()
    expect((await planOf(needy)).entries.map(({ id }) => id)).toEqual(['vitest:web'])
    repository!.cleanup()
    const installed = await planOf({ ...script('node --test'), ...needy }, {}, { 'vitest/package.json': '{}' })
    expect(installed.entries.map(({ id }) => id)).toEqual(['node-test', 'vitest:web'])
  })

  it('do not run again what the call above runs', async () => {
    expect((await planOf({ ...script('node --test'), ...own('web') })).entries.map(({ id }) => id)).toEqual(['node-test'])
  })
})

describe('steps', () => {
  const tool = (name: string, bin: string): Record<string, string> => ({
    [`${name}/package.json`]: json({ bin: { [bin]: 'cli.js' } }),
    [`${name}/cli.js`]: '',
  })

  it('are the tools that are configured and installed', async () => {
    const files = {
      'package.json': json({ devDependencies: { typescript: '*' } }),
      'tsconfig.json': '{}',
      'eslint.config.js': '',
      'biome.json': '{}',
      'go.mod': 'module x\n',
    }
    const plan = await planOf(files, {}, { ...tool('typescript', 'tsc'), ...tool('eslint', 'eslint') })
    expect(plan.steps.map(({ id, kind }) => `${kind} ${id}`)).toEqual(['types tsc', 'lint eslint', 'lint go-vet'])
  })

  it('build first where the tests run what the build writes', async () => {
    const manifest = { scripts: { test: 'mocha', build: 'tsc -p .' } }
    const importing = { 'package.json': json(manifest), 'test/a.test.js': "import x from '../dist/index.js'\n" }
    expect((await planOf(importing)).steps).toMatchObject([{ kind: 'build', origin: 'package.json scripts.build' }])
    repository!.cleanup()
    expect((await planOf({ ...importing, 'dist/index.js': '' })).steps).toEqual([])
    repository!.cleanup()
    expect((await planOf({ 'package.json': json({ scripts: { ...manifest.scripts, pretest: 'npm run build' } }) })).steps).toHaveLength(1)
    repository!.cleanup()
    expect((await planOf(importing, { build: 'make' })).steps).toMatchObject([{ kind: 'build', origin: 'plan.build' }])
  })
})

describe('protected paths', () => {
  it('are tests, snapshots, configuration, lock files and CI of this plan', async () => {
    const plan = await planOf({ ...script('vitest'), 'packages/readme.md': '' })
    for (const path of [
      'src/a.test.ts',
      'test/helper.js',
      'vitest.config.ts',
      'package.json',
      'src/__snapshots__/a.snap',
      'package-lock.json',
      '.github/workflows/ci.yml',
      '.husky/pre-commit',
      'a/.gitattributes',
      '.singularity/config.json',
      '.env',
    ])
      expect(isProtectedPath(path, plan), path).toBe(true)
    for (const path of ['src/a.ts', 'src/testing-library.ts', 'lib/latest.js', 'README.md', 'src/contest.js'])
      expect(isProtectedPath(path, plan), path).toBe(false)
    expect(isTestPath('package-lock.json', plan)).toBe(false)
  })
})
