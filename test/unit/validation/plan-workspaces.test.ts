import { describe, expect, it } from 'vitest'
import { entriesFor, stepsFor } from '../../../src/core/validation/index.ts'
import { planOf } from '../../support/plan.ts'

const json = (value: unknown): string => JSON.stringify(value)
const script = (test: string, more: Record<string, unknown> = {}): Record<string, string> => ({
  'package.json': json({ scripts: { test, ...more } }),
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
    // a suite that runs has its build, also where the change does not reach it
    const withMore = stepsFor(
      plan,
      ['packages/c/src/x.js'],
      plan.entries.filter(({ scope }) => /[ac]$/.test(scope)),
    )
    expect(withMore.map(({ id }) => id)).toEqual(['build:packages/z', 'build:packages/a', 'build:packages/c'])
    // a question to one of the suites builds what was changed and what that one needs
    const [own] = plan.entries.filter(({ scope }) => scope === 'packages/a')
    expect(stepsFor(plan, ['packages/z/src/x.js'], [own!], false).map(({ id }) => id)).toEqual(['build:packages/z', 'build:packages/a'])
    const [other] = plan.entries.filter(({ scope }) => scope === 'packages/c')
    expect(stepsFor(plan, ['packages/a/src/x.js'], [other!], false).map(({ id }) => id)).toEqual([
      'build:packages/z',
      'build:packages/a',
      'build:packages/c',
    ])
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
    const go = await planOf({
      'go.work': 'go 1.19\nuse (\n\t./lib\n\t./app\n)\n',
      'lib/go.mod': 'module example.org/lib\n',
      'app/go.mod': 'module example.org/app\nrequire (\n\texample.org/lib v0.0.0\n)\n',
    })
    expect(entriesFor(go, ['lib/x.go']).map(({ id }) => id)).toEqual(['go:app', 'go:lib'])
    expect(entriesFor(go, ['app/x.go']).map(({ id }) => id)).toEqual(['go:app'])
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
    expect((await planOf(needy)).entries.map(({ id }) => id)).toEqual(['vitest:web'])
    const installed = await planOf({ ...script('node --test'), ...needy }, {}, { 'vitest/package.json': '{}' })
    expect(installed.entries.map(({ id }) => id)).toEqual(['node-test', 'vitest:web'])
  })

  it('do not run again what the call above runs', async () => {
    expect((await planOf({ ...script('node --test'), ...own('web') })).entries.map(({ id }) => id)).toEqual(['node-test'])
  })
})
