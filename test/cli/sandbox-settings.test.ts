import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Answer, GOOD_PATCH, type Playground, TINY, createPlayground, expectProven, judge, refuses } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

const HEAD = String(TINY['test/list.test.js'])

/** The repository's own settings, as its team shares them, and a suite that does not pass without them. */
function playground(config: object, tests: string, files: Record<string, string> = {}): void {
  place = createPlayground({ ...TINY, ...files, 'test/list.test.js': HEAD + tests, '.singularity/config.json': JSON.stringify(config) })
}

/** Without the settings the suite is red on the base: they are what makes the difference. */
async function expectNeeded(): Promise<void> {
  place.write({ '.singularity/config.json': '{}' })
  const without = await place.run(['improve', '--patch', '-', '--dry-run'], { input: GOOD_PATCH })
  expect({ code: without.json.error?.code, exitCode: without.exitCode }, without.stdout).toEqual({ code: 'BASELINE_UNUSABLE', exitCode: 6 })
}

/** Writes what git ignores into the person's working tree. */
function ignored(path: string, text: string): void {
  mkdirSync(dirname(join(place.root, path)), { recursive: true })
  writeFileSync(join(place.root, path), text)
}

describe('settings of the sandbox, from .singularity/config.json', () => {
  it('sandbox.services: servers run beside the tests, in their network, and end with them', async () => {
    playground(
      { sandbox: { services: ['tcp:5432 node server.mjs 5432', 'exec node server.mjs 6379'] } },
      `import net from 'node:net'
const ask = (port) => new Promise((done, fail) => net.connect(port, '127.0.0.1').on('data', (data) => done(String(data))).on('error', fail))
test('database', async () => assert.equal(await ask(5432), 'hello from 5432'))
test('cache', async () => assert.equal(await ask(6379), 'hello from 6379'))
`,
      {
        'server.mjs':
          "import net from 'node:net'\nconst port = Number(process.argv[2])\nnet.createServer((s) => s.end('hello from ' + port)).listen(port, '127.0.0.1')\n",
      },
    )
    expectProven(await judge(place, GOOD_PATCH), 5)
    place.write({ '.singularity/config.json': JSON.stringify({ sandbox: { services: ['echo no luck; exit 1'] } }) })
    const broken = await judge(place, GOOD_PATCH)
    expect({ code: broken.json.error?.code, exitCode: broken.exitCode }, broken.stdout).toEqual({ code: 'BASELINE_UNUSABLE', exitCode: 6 })
    expect(broken.stdout).toContain('no luck')
    await expectNeeded()
  })

  it('sandbox.git synthetic: a suite that calls git finds a repository with everything committed, never the real one', async () => {
    playground(
      { sandbox: { git: 'synthetic' } },
      `import { execFileSync } from 'node:child_process'
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim()
test('tracked', () => assert.match(git('ls-files'), /src\\/list\\.js/))
test('clean', () => assert.equal(git('status', '--porcelain'), ''))
test('one commit', () => assert.equal(git('rev-list', '--count', 'HEAD'), '1'))
test('commits', () => assert.match(git('-c', 'user.name=t', '-c', 'user.email=t@e', 'commit', '--allow-empty', '-m', 'x'), /x/))
`,
    )
    place.git('commit', '-q', '--allow-empty', '-m', 'second')
    expectProven(await judge(place, GOOD_PATCH), 7)
    expect(place.git('rev-list', '--count', 'HEAD')).toBe('2')
    await expectNeeded()
  })

  it('sandbox.include: ignored files come along by their exact names, .env too, and no others', async () => {
    playground(
      { sandbox: { include: ['.env', 'fixtures/big.bin'] } },
      `import { existsSync, readFileSync } from 'node:fs'
test('env', () => assert.equal(readFileSync('.env', 'utf8'), 'TOKEN=for-tests'))
test('fixture', () => assert.equal(readFileSync('fixtures/big.bin', 'utf8'), 'big'))
test('no other', () => assert.equal(existsSync('.env.production') || existsSync('fixtures/other.bin'), false))
`,
      { '.gitignore': '.env*\nfixtures\n' },
    )
    ignored('.env', 'TOKEN=for-tests')
    ignored('.env.production', 'TOKEN=real')
    ignored('fixtures/big.bin', 'big')
    ignored('fixtures/other.bin', 'other')
    expectProven(await judge(place, GOOD_PATCH), 6)
    await expectNeeded()
  })

  it('sandbox.setup: runs in every new sandbox before the tests, in the jail', async () => {
    playground(
      { sandbox: { setup: 'mkdir -p generated && echo "export const made = 42" > generated/code.js; touch ../outside || true' } },
      `test('generated', async () => assert.equal((await import('../generated/code.js')).made, 42))\n`,
      { '.gitignore': 'generated\n' },
    )
    expectProven(await judge(place, GOOD_PATCH), 4)
    expect(existsSync(join(place.folder, 'outside'))).toBe(false)
    await expectNeeded()
    place.write({ '.singularity/config.json': JSON.stringify({ sandbox: { setup: 'echo no generator here >&2; exit 9' } }) })
    const broken = await refuses(place, ['improve', '--patch', '-'], 'BASELINE_UNUSABLE', 6, { input: GOOD_PATCH })
    expect(broken.json.error!.message).toBe('sandbox.setup failed with exit code 9: no generator here')
  })

  it('all of them at once, with landing', async () => {
    playground(
      {
        sandbox: {
          git: 'synthetic',
          include: ['.env'],
          setup: 'test -f .env && git rev-parse HEAD > made.txt',
          services: ['tcp:7000 node server.mjs'],
        },
      },
      `import net from 'node:net'
import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
test('all', async () => {
  assert.equal(readFileSync('made.txt', 'utf8'), execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }))
  await new Promise((done, fail) => net.connect(7000, '127.0.0.1').on('connect', done).on('error', fail))
})
`,
      {
        'server.mjs': "import net from 'node:net'\nnet.createServer((s) => s.end()).listen(7000, '127.0.0.1')\n",
        '.gitignore': '.env\nmade.txt\n',
      },
    )
    ignored('.env', 'A=1')
    const env = { SINGULARITY_APPROVALS_AUTO_RISK: 'medium' }
    const answer: Answer = await place.run(['improve', '--patch', '-', '--yes'], { input: GOOD_PATCH, env })
    expectProven(answer, 4)
    expect(answer.json.data.totals).toMatchObject({ kept: 1, landed: 1 })
    expect(place.git('status', '--porcelain')).toBe('')
  })
})
