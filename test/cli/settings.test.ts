import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SETTINGS, type SettingName, loadSettings } from '../../src/core/config/index.ts'
import { type Playground, createPlayground, refuses } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

const repositoryFile = (): string => join(place.root, '.singularity', 'config.json')
const userFile = (): string => join(place.folder, 'config', 'singularity', 'config.json')

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

async function setting(name: string, env: Record<string, string> = {}): Promise<{ value: unknown; origin: string; source: string }> {
  const { json } = await place.run(['config', 'list', '--origin'], { env })
  return json.data.settings.find((each: { name: string }) => each.name === name)
}

describe('where a value comes from', () => {
  it('environment over repository over user over default', async () => {
    expect(await setting('plan.test')).toMatchObject({ value: null, origin: 'default' })
    put(userFile(), '{ "plan": { "test": "from user" } }')
    expect(await setting('plan.test')).toMatchObject({ value: 'from user', origin: 'user', source: userFile() })
    put(repositoryFile(), '{ "plan.test": "from repository" }')
    expect(await setting('plan.test')).toMatchObject({ value: 'from repository', origin: 'repository', source: repositoryFile() })
    expect(await setting('plan.test', { SINGULARITY_PLAN_TEST: 'from environment' })).toMatchObject({
      value: 'from environment',
      origin: 'environment',
      source: 'SINGULARITY_PLAN_TEST',
    })
  })

  it('knows the old name of the log level; its own name wins', async () => {
    expect(await setting('log.level', { LOG_LEVEL: 'warn' })).toMatchObject({ value: 'warn', source: 'LOG_LEVEL' })
    expect(await setting('log.level', { LOG_LEVEL: 'warn', SINGULARITY_LOG_LEVEL: 'debug' })).toMatchObject({ value: 'debug' })
  })
})

describe('a hostile repository', () => {
  it('may not switch the jail off, trust its own tests, or widen a limit; config list shows what was refused', async () => {
    put(
      repositoryFile(),
      JSON.stringify({
        'isolation.kind': 'none',
        'isolation.trustOwnTests': true,
        'approvals.autoRisk': 'high',
        timeout_ms: 36_000_000,
        regression_threshold: 0.5,
        auto_rollback_on_regression: false,
      }),
    )
    const { json } = await place.run(['config', 'list'])
    const names = json.data.refused.map(({ name }: { name: string }) => name)
    expect(names.toSorted()).toEqual([
      'approvals.autoRisk',
      'auto_rollback_on_regression',
      'isolation.kind',
      'isolation.trustOwnTests',
      'regression_threshold',
      'timeout_ms',
    ])
    for (const name of names) expect((await setting(name)).origin).toBe('default')
    const doctor = await place.run(['doctor'])
    expect(doctor.json.data.checks.find(({ id }: { id: string }) => id === 'settings').status).toBe('warn')
  })

  it('may make a limit stricter, relative to what the user says', async () => {
    put(userFile(), '{ "regression_threshold": 0.02 }')
    put(repositoryFile(), '{ "regression_threshold": 0.03 }')
    expect(await setting('regression_threshold')).toMatchObject({ value: 0.02, origin: 'user' })
    put(repositoryFile(), '{ "regression_threshold": 0.01 }')
    expect(await setting('regression_threshold')).toMatchObject({ value: 0.01, origin: 'repository' })
  })
})

describe('who may set what', () => {
  it('a repository may set how its tests run, narrow what may land, and nothing else', () => {
    const names = Object.keys(SETTINGS) as SettingName[]
    const may = (what: string): SettingName[] => names.filter((name) => SETTINGS[name].repository === what)
    expect({ set: may('set'), narrow: may('narrow'), never: may('never') }).toEqual({
      set: [
        'sandbox.include',
        'sandbox.setup',
        'sandbox.services',
        'sandbox.git',
        'plan.test',
        'plan.build',
        'plan.env',
        'plan.timeout',
        'plan.scope',
        'search.include',
      ],
      narrow: [
        'timeout_ms',
        'max_iterations',
        'regression_threshold',
        'approvals.autoRisk',
        'approvals.expiry',
        'landing.protected',
        'landing.hooks',
        'offline',
      ],
      never: [
        'isolation.kind',
        'isolation.trustOwnTests',
        'isolation.separate_db',
        'isolation.separate_git',
        'isolation.aggressive_hotreload',
        'auto_rollback_on_regression',
        'measure.cpu',
        'cache.semantic',
        'cache.embedding_model',
        'cache.embedding_dimensions',
        'queue.batch_size',
        'queue.poll_ms',
        'queue.llm_batch_size',
        'queue.llm_poll_ms',
        'queue.lease_ms',
        'queue.retention_days',
        'search.build',
        'embedding.model',
        'embedding.dimensions',
        'embedding.batch',
        'embedding.timeout',
        'embedding.allow',
        'search.similarity_weight',
        'search.success_weight',
        'search.recency_weight',
        'search.recency_half_life_days',
        'search.code_past',
        'log.level',
      ],
    })
  })

  it('timeout_ms holds a whole run, and the run says so', async () => {
    const answer = await place.run(['improve', '--source', 'rules', '--dry-run', '--time-limit', '2h'], {
      env: { SINGULARITY_TIMEOUT_MS: '10m' },
    })
    expect(answer.json.data.notes, answer.stdout).toContain('timeout_ms holds the run to 10 m: singularity config set timeout_ms DURATION')
  })

  const MAIN = ['main', 'master', 'develop', 'release/*']
  const CASES: [SettingName, unknown, unknown, unknown][] = [
    // name, what the user says, what the repository says, what counts
    ['timeout_ms', 1000, 2000, 1000],
    ['timeout_ms', 1000, 500, 500],
    ['max_iterations', 10, 11, 10],
    ['max_iterations', 10, 9, 9],
    ['regression_threshold', 0.02, 0.03, 0.02],
    ['regression_threshold', 0.02, 0.01, 0.01],
    ['approvals.autoRisk', 'low', 'medium', 'low'],
    ['approvals.autoRisk', 'medium', 'none', 'none'],
    ['approvals.expiry', 1000, 2000, 1000],
    ['approvals.expiry', 1000, 10, 10],
    ['landing.protected', MAIN, [], MAIN],
    ['landing.protected', MAIN, ['main'], MAIN],
    ['landing.protected', MAIN, ['prod'], [...MAIN, 'prod']],
    ['landing.protected', [], ['main'], ['main']],
    ['landing.protected', ['a'], ['!a', 'b'], ['a', '!a', 'b']],
    ['landing.hooks', 'run', 'skip', 'run'],
    ['landing.hooks', 'skip', 'run', 'run'],
    ['plan.timeout', 1000, 7_200_000, 3_600_000],
    ['plan.timeout', 1000, 3_000_000, 3_000_000],
    ['log.level', 'warn', 'debug', 'warn'],
    ['auto_rollback_on_regression', true, false, true],
  ]
  it('what counts of a value is the stricter of the two, and what is refused is told', () => {
    for (const [name, user, repository, counts] of CASES) {
      const text = `${name}: the user says ${JSON.stringify(user)}, the repository ${JSON.stringify(repository)}`
      put(userFile(), JSON.stringify({ [name]: user }))
      put(repositoryFile(), JSON.stringify({ [name]: repository }))
      const settings = loadSettings({ flags: {}, env: {}, repositoryFile: repositoryFile(), userFile: userFile() })
      expect(settings.get(name), text).toEqual(counts)
      const stays = JSON.stringify(counts) === JSON.stringify(user) || (name === 'plan.timeout' && counts === 3_600_000)
      expect(
        settings.refused.map((each) => each.name),
        text,
      ).toEqual(stays ? [name] : [])
    }
  })

  it('a committed file that protects no branch lands nothing on main', async () => {
    place.git('branch', '-m', 'main')
    put(repositoryFile(), '{ "landing": { "protected": [] } }')
    place.git('add', '.')
    place.git('commit', '--quiet', '-m', 'hostile')
    const head = place.git('rev-parse', 'main')
    const { json } = await place.run(['improve', '--rule', 'js/prefer-includes', '--yes'])
    expect(json.data?.totals, JSON.stringify(json).slice(0, 2000)).toMatchObject({ landed: 1 })
    expect(place.git('rev-parse', 'main')).toBe(head)
    expect(place.git('for-each-ref', '--format=%(refname)', 'refs/heads/singularity')).toContain(json.data.run.id)
  })
})

describe('config set', () => {
  it('writes the user file by default and keeps comments, order and nesting', async () => {
    put(userFile(), '{\n  // mine\n  "plan": {\n    "test": "old", // why\n  },\n  "log.level": "info"\n}\n')
    const { json } = await place.run(['config', 'set', 'plan.test', 'new'])
    expect(json.data).toEqual({ name: 'plan.test', value: 'new', file: userFile(), scope: 'user' })
    expect(readFileSync(userFile(), 'utf8')).toBe('{\n  // mine\n  "plan": {\n    "test": "new", // why\n  },\n  "log.level": "info"\n}\n')
    expect((await place.run(['config', 'get', 'plan.test'])).json.data).toMatchObject({ value: 'new', origin: 'user' })
  })

  it('reads each kind of value as it is typed', async () => {
    const cases: [string, string, unknown][] = [
      ['plan.timeout', '90s', 90_000],
      ['plan.scope', 'a,b', ['a', 'b']],
      ['sandbox.services', '["redis-server --port 1, really"]', ['redis-server --port 1, really']],
      ['plan.env', '{"TZ":"UTC"}', { TZ: 'UTC' }],
      ['isolation.trustOwnTests', 'true', true],
      ['plan.test', 'null', null],
    ]
    for (const [name, typed, value] of cases) {
      expect((await place.run(['config', 'set', name, typed])).exitCode, name).toBe(0)
      expect(await setting(name)).toMatchObject({ value, origin: 'user' })
    }
  })

  it('--repository writes the file of the repository, but nothing that would be refused', async () => {
    expect((await place.run(['config', 'set', 'plan.test', 'x', '--repository'])).exitCode).toBe(0)
    expect(await setting('plan.test')).toMatchObject({ value: 'x', origin: 'repository' })
    await refuses(place, ['config', 'set', 'isolation.kind', 'none', '--repository'], 'CONFIG_INVALID', 2)
    await refuses(place, ['config', 'set', 'timeout_ms', '10h', '--repository'], 'CONFIG_INVALID', 2)
    await refuses(place, ['config', 'set', 'plan.timeout', '10h', '--repository'], 'CONFIG_INVALID', 2)
    await refuses(place, ['config', 'set', 'landing.protected', '[]', '--repository'], 'CONFIG_INVALID', 2)
    expect((await place.run(['config', 'set', 'timeout_ms', '5m', '--repository'])).exitCode).toBe(0)
  })

  it.each([
    ['set', 'no.such', '1', 'USAGE'],
    ['set', 'log.level', 'shout', 'CONFIG_INVALID'],
    ['set', 'regression_threshold', 'much', 'CONFIG_INVALID'],
    ['set', 'plan.env', '{not json', 'CONFIG_INVALID'],
  ])('config %s %s %s: %s', async (_set, name, value, code) => {
    await refuses(place, ['config', 'set', name, value], code, 2)
    expect(existsSync(userFile())).toBe(false)
  })
})

describe('init', () => {
  const FILES = {
    'package.json': JSON.stringify({
      name: 'x',
      type: 'module',
      scripts: { test: 'node --test', build: 'cp -r src dist', codegen: 'true' },
    }),
    '.gitignore': '.env\n.env.test\ndist\n',
    'docker-compose.yml': 'services:\n  cache:\n    image: redis:7\n',
    'src/a.js': 'export const a = 1\n',
    'test/a.test.js': "import { execSync } from 'node:child_process'\nimport '../dist/a.js'\nexecSync('git rev-parse HEAD')\n",
  }
  const valueOf = (answer: Awaited<ReturnType<Playground['run']>>, name: string) =>
    answer.json.data.proposals.find((each: { name: string }) => each.name === name)

  it('proposes what it sees, with a reason each, and writes nothing', async () => {
    const other = createPlayground(FILES)
    try {
      other.write({ '.env': 'SECRET=1\n', '.env.test': 'A=1\n' })
      const before = other.frozen()
      const answer = await other.run(['init'])
      expect(other.frozen()).toEqual(before)
      expect(answer.json.data).toMatchObject({ created: false, written: [], plan: { entries: [{ runner: 'node-test' }] } })
      expect(valueOf(answer, 'sandbox.include')).toMatchObject({
        value: ['.env.test'],
        proposed: true,
        why: expect.stringContaining('.env is left out'),
      })
      expect(valueOf(answer, 'sandbox.setup').value).toBe('npm run codegen')
      expect(valueOf(answer, 'sandbox.services').value).toEqual([expect.stringContaining('redis-server')])
      expect(valueOf(answer, 'sandbox.git').value).toBe('synthetic')
      expect(valueOf(answer, 'plan.build').value).toBe('npm run build')
      expect(answer.json.data.proposals.map(({ name }: { name: string }) => name)).toEqual([
        'sandbox.include',
        'sandbox.setup',
        'sandbox.services',
        'sandbox.git',
        'plan.build',
        'plan.test',
        'plan.env',
        'plan.timeout',
        'plan.scope',
      ])
      const { why } = valueOf(answer, 'plan.timeout')
      expect(why).toBe('20 m on the unchanged code; on a change 3 times what it took there, at least 15 s')
      const listed = (await other.run(['config', 'list'])).json.data.settings.find(({ name }: { name: string }) => name === 'plan.timeout')
      expect(listed.about).toContain(why)
    } finally {
      other.cleanup()
    }
  })

  it('--write makes a file that reads back as proposed; a second time it changes nothing', async () => {
    const other = createPlayground(FILES)
    try {
      const first = await other.run(['init', '--write'])
      expect(first.json.data).toMatchObject({ created: true, written: ['sandbox.setup', 'sandbox.services', 'sandbox.git', 'plan.build'] })
      const file = join(other.root, '.singularity', 'config.json')
      const text = readFileSync(file, 'utf8')
      const { json } = await other.run(['config', 'get', 'sandbox.setup'])
      expect(json.data).toMatchObject({ value: 'npm run codegen', origin: 'repository' })
      expect((await other.run(['init', '--write'])).json.data).toMatchObject({ created: false, written: [] })
      expect(readFileSync(file, 'utf8')).toBe(text)
    } finally {
      other.cleanup()
    }
  })

  it('--write adds to a file that is there, and keeps what it says', async () => {
    const other = createPlayground(FILES)
    try {
      other.write({ '.singularity/config.json': '{\n  // ours\n  "sandbox": {\n    "setup": "make gen"\n  }\n}\n' })
      const { json } = await other.run(['init', '--write'])
      expect(json.data.written).toEqual(['sandbox.services', 'sandbox.git', 'plan.build'])
      expect(readFileSync(join(other.root, '.singularity', 'config.json'), 'utf8')).toContain(
        '// ours\n  "sandbox": {\n    "setup": "make gen"\n  }',
      )
    } finally {
      other.cleanup()
    }
  })

  it('writes through no symbolic link', async () => {
    mkdirSync(join(place.folder, 'elsewhere'))
    symlinkSync(join(place.folder, 'elsewhere'), join(place.root, '.singularity'))
    await refuses(place, ['init', '--write'], 'CONFIG_INVALID', 2)
    expect(existsSync(join(place.folder, 'elsewhere', 'config.json'))).toBe(false)
  })

  it('says that a commit is needed', async () => {
    const empty = createPlayground(null)
    try {
      await refuses(empty, ['init'], 'NO_COMMIT', 6)
    } finally {
      empty.cleanup()
    }
  })
})
