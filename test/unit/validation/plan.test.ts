import { describe, expect, it } from 'vitest'
import { detectPlan, type Plan, isProtectedPath, isTestPath } from '../../../src/core/validation/index.ts'
import { type FileContent, createRepository } from '../../support/repository.ts'
import { planOf } from '../../support/plan.ts'

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
    const repository = createRepository(script('jest'))
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
    repository.cleanup()
    expect(plan.entries.map(({ runner }) => runner)).toEqual(['jest'])
  })

  it('replaces addopts that would change the report', async () => {
    const plan = await planOf({ 'pytest.ini': '[pytest]\naddopts = -x --cov=pkg --cov-report term\n  -p no:randomly\n' })
    expect(plan.entries[0]!.command).toEqual(['python3', '-m', 'pytest', '-o', 'addopts=-p no:randomly'])
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
    expect((await planOf({ ...importing, 'dist/index.js': '' })).steps).toEqual([])
    expect((await planOf({ 'package.json': json({ scripts: { ...manifest.scripts, pretest: 'npm run build' } }) })).steps).toHaveLength(1)
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
