import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRecord } from '../../src/core/improvement/record.ts'
import { type Playground, TINY, candidateOf, createPlayground, expectProven, isInSandbox, refuses } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

const EDIT = `sed -i 's/list.indexOf(item) !== -1/list.includes(item)/' src/list.js`
const exec = (command: string, ...more: string[]): string[] => ['improve', '--exec', command, '--dry-run', ...more]

describe('--exec', () => {
  it('what a program changed is a candidate, whatever it did beside; a program outside of the system is found', async () => {
    const bin = join(place.folder, 'tools')
    mkdirSync(bin)
    writeFileSync(
      join(bin, 'my-agent'),
      `#!/bin/sh\n${EDIT}\nmkdir -p .git/hooks lib/.git && echo exit 1 > .git/hooks/pre-commit && echo x > lib/.git/config\n`,
    )
    chmodSync(join(bin, 'my-agent'), 0o755)
    const before = place.frozen()
    const answer = await place.run(exec('my-agent --fast'), { env: { PATH: `${bin}:${place.env['PATH']}` } })
    expectProven(answer, 3)
    expect(candidateOf(answer)).toMatchObject({ source: { kind: 'exec', id: 'my-agent --fast' }, files: ['src/list.js'], risk: 'medium' })
    expect(place.frozen()).toEqual(before)
  })

  it('network, variables and folders are open to the program only, and are recorded without their values', async () => {
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
    await new Promise((ready) => server.once('listening', ready))
    const { port } = server.address() as AddressInfo
    const notes = join(place.folder, 'notes')
    mkdirSync(notes)
    writeFileSync(join(notes, 'task.txt'), 'includes')
    // the suite fails where it sees any of the three, and says which
    const suite = [
      "import net from 'node:net'",
      "import { existsSync } from 'node:fs'",
      "test('no variable', () => assert.equal(process.env.AGENT_TOKEN, undefined))",
      `test('no folder', () => assert.equal(existsSync('${notes}'), false))`,
      `test('no network', () => new Promise((done, fail) => net.connect(${port}, '127.0.0.1').on('connect', () => fail(new Error('reached'))).on('error', () => done())))`,
    ].join('\n')
    place.write({ 'test/list.test.js': `${String(TINY['test/list.test.js'])}${suite}\n` })
    place.git('commit', '-qam', 'closed')
    const agent = `test "$AGENT_TOKEN" = s3cret && word=$(cat ${notes}/task.txt) && node -e "require('net').connect(${port}, '127.0.0.1').on('data', () => process.exit(0)).on('error', () => process.exit(9))" && sed -i "s/list.indexOf(item) !== -1/list.$word(item)/" src/list.js && echo done > ${notes}/answer.txt`
    const open = ['--exec-net', '--exec-env', 'AGENT_TOKEN', '--exec-bind', notes]
    const answer = await place.run(exec(agent, ...open), { env: { AGENT_TOKEN: 's3cret' } })
    server.close()
    expectProven(answer, 6)
    expect(readFileSync(join(notes, 'answer.txt'), 'utf8')).toBe('done\n')
    const path = join(place.root, '.git/singularity/records', `${answer.json.data.run.id}.json.gz`)
    expect(readRecord(path).request).toMatchObject({ exec: { command: agent, net: true, env: ['AGENT_TOKEN'], binds: [notes] } })
    expect(readFileSync(join(place.root, '.git/singularity/state.db')).includes('"AGENT_TOKEN=')).toBe(false)
    const { reason } = (await place.run(['show', candidateOf(answer).id])).json.data
    expect(reason).toContain('with network')
  })

  it('without them the program has none', async () => {
    const shut = 'test -z "$AGENT_TOKEN" && ! getent hosts localhost.example && ! ls ../home >/dev/null 2>&1'
    const answer = await place.run(exec(`${shut} && ${EDIT}`), { env: { AGENT_TOKEN: 's3cret' } })
    expectProven(answer, 3)
  })

  it('a program that weakens a test is rolled back, exit 1', async () => {
    const answer = await place.run(exec(`${EDIT}; sed -i "s/^test('has not'.*//" test/list.test.js`))
    const { verdict, reasons } = candidateOf(answer)
    expect({ exitCode: answer.exitCode, verdict, codes: reasons.map(({ code }: { code: string }) => code) }, answer.stdout).toEqual({
      exitCode: 1,
      verdict: 'roll_back',
      codes: expect.arrayContaining(['tests_weakened']),
    })
  })

  it.each([
    ['fails, half-way', `${EDIT}; echo 'out of ideas' >&2; exit 3`, 'EXEC_FAILED', 1, 'out of ideas'],
    ['is killed', `${EDIT}; kill -9 $$`, 'EXEC_FAILED', 1, 'SIGKILL'],
    ['is not there', 'no-such-agent --now', 'EXEC_FAILED', 1, 'not found'],
    ['changes nothing', 'true', 'EXEC_FAILED', 1, 'changed nothing'],
    ['changes nothing but .git', 'mkdir -p .git && echo x > .git/config', 'EXEC_FAILED', 1, 'changed nothing'],
    ['does not end', `${EDIT}; sleep 60`, 'LIMIT_REACHED', 5, 'did not end in time'],
    ['prints without end', 'yes', 'LIMIT_REACHED', 5, 'limit (output)'],
  ])('a program that %s', async (_what, command, code, exitCode, told) => {
    const answer = await refuses(place, exec(command), code, exitCode, { env: { SINGULARITY_TIMEOUT_MS: '3s' } })
    expect(answer.json.error!.message).toContain(told)
    expect((await place.run(['runs'])).json.data.runs).toMatchObject([{ status: 'interrupted', totals: { found: 0 } }])
  })

  it('Ctrl-C ends the program, exit 130', async () => {
    const before = place.frozen()
    const { child, done } = place.start(exec('touch started; sleep 60'))
    while (!isInSandbox(place, 'started') && child.exitCode === null) await new Promise((next) => setImmediate(next))
    child.kill('SIGINT')
    const answer = await done
    expect({ exitCode: answer.exitCode, code: answer.json.error?.code }, answer.stdout).toEqual({ exitCode: 130, code: 'INTERRUPTED' })
    expect(place.frozen()).toEqual(before)
  })

  it('no folder may be opened that holds the repository or lies in it, also by a link', async () => {
    const link = join(place.folder, 'link')
    symlinkSync(join(place.root, '.git'), link)
    mkdirSync(join(place.env['XDG_STATE_HOME']!, 'singularity'), { recursive: true })
    for (const path of ['/', place.folder, place.root, '.git', 'src', link, join(place.folder, 'nothing'), place.env['XDG_STATE_HOME']!])
      await refuses(place, exec(EDIT, '--exec-bind', path), 'USAGE', 2)
  })
})
