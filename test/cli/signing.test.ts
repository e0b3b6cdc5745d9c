import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TEST_IDENTITY } from '../support/repository.ts'
import { type WaitingBench, createWaiting } from '../support/waiting.ts'
import { type Answer, GOOD_PATCH, candidateOf, createPlayground, startProgram } from './playground.ts'

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args, { stdio: 'ignore' }).error === undefined

let bench: WaitingBench
let folder: string
beforeEach(async () => {
  bench = await createWaiting()
  folder = join(dirname(bench.repository.root), 'keys')
  mkdirSync(folder, { mode: 0o700 })
})
afterEach(async () => {
  await bench.close()
})

const run = (args: string[], env: Record<string, string> = {}): Promise<Answer> =>
  startProgram(args, { cwd: bench.repository.root, env: { ...bench.env, ...env } }).done

function configure(values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) bench.repository.git('config', name, value)
}

/** What git itself says about the signature of the branch's tip, with the person's keys at hand. */
function verify(env: Record<string, string> = {}): { status: number | null; told: string } {
  const { status, stderr } = spawnSync('git', ['verify-commit', '-v', 'HEAD'], {
    cwd: bench.repository.root,
    env: { ...bench.env, ...env },
    encoding: 'utf8',
  })
  return { status, told: stderr }
}

/** Lands one change and takes it back: both commits carry a good signature. */
async function expectSigned(env: Record<string, string>, told: RegExp): Promise<void> {
  const { id } = await bench.add('a.txt')
  const landed = await run(['approve', id], env)
  expect(landed.json.data, landed.stdout).toMatchObject({ state: 'landed' })
  expect(verify(env)).toEqual({ status: 0, told: expect.stringMatching(told) })
  expect(bench.repository.git('log', '-1', '--format=%an <%ae>')).toBe(`${TEST_IDENTITY.name} <${TEST_IDENTITY.email}>`)
  const undone = await run(['undo', id], env)
  expect(undone.json.data, undone.stdout).toMatchObject({ state: 'undone' })
  expect(verify(env)).toEqual({ status: 0, told: expect.stringMatching(told) })
}

describe('a repository that signs its commits', () => {
  it.skipIf(!has('gpg', '--version'))('with OpenPGP (needs gpg): what lands verifies', async () => {
    const env = { GNUPGHOME: folder }
    const gpg = (...args: string[]): string =>
      execFileSync('gpg', ['--batch', ...args], { env: { ...bench.env, ...env }, encoding: 'utf8', stdio: 'pipe' })
    try {
      gpg('--passphrase', '', '--quick-generate-key', `${TEST_IDENTITY.name} <${TEST_IDENTITY.email}>`, 'ed25519', 'sign', 'never')
      configure({ 'commit.gpgSign': 'true' })
      await expectSigned(env, /Good signature from "Ada Example/)
      // the agent of a person who is away asks in vain
      const { id } = await bench.add('b.txt')
      const refused = await run(['approve', id], { GNUPGHOME: join(folder, 'nobody') })
      expect({ code: refused.json.error?.code, exitCode: refused.exitCode }, refused.stdout).toEqual({
        code: 'LANDING_REFUSED',
        exitCode: 1,
      })
    } finally {
      spawnSync('gpgconf', ['--kill', 'all'], { env: { ...bench.env, ...env } })
    }
  })

  it.skipIf(!has('ssh-keygen', '-?'))('with an SSH key (needs ssh-keygen): what lands verifies', async () => {
    const key = join(folder, 'id')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ada', '-f', key])
    const [type, text] = execFileSync('ssh-keygen', ['-y', '-f', key], { encoding: 'utf8' }).split(' ')
    writeFileSync(join(folder, 'allowed'), `${TEST_IDENTITY.email} ${type} ${text}\n`)
    configure({
      'commit.gpgSign': 'true',
      'gpg.format': 'ssh',
      'user.signingKey': key,
      'gpg.ssh.allowedSignersFile': join(folder, 'allowed'),
    })
    await expectSigned({}, /Good "git" signature for ada@example\.org with ED25519 key/)
  })

  it('that cannot sign now: approved with the reason `unsigned`, nothing moved; it lands once the key is there', async () => {
    configure({ 'commit.gpgSign': 'true', 'gpg.format': 'ssh', 'user.signingKey': join(folder, 'missing') })
    const before = bench.repository.snapshot()
    const { id } = await bench.add('a.txt')
    const refused = await run(['approve', id])
    expect({ code: refused.json.error?.code, exitCode: refused.exitCode }, refused.stdout).toEqual({ code: 'LANDING_REFUSED', exitCode: 1 })
    const { state, reasons } = (await run(['show', id])).json.data.candidate
    expect({ state, reasons }).toEqual({ state: 'approved', reasons: [{ code: 'unsigned', detail: expect.stringContaining('missing') }] })
    expect(bench.repository.snapshot()).toEqual(before)
    configure({ 'commit.gpgSign': 'false' })
    expect((await run(['resume'])).json.data.candidates).toMatchObject([{ id, state: 'landed', reasons: [] }])
  })

  it('a whole run tells the same: exit 4, approved, unsigned', async () => {
    const place = createPlayground()
    try {
      for (const [name, value] of [
        ['commit.gpgSign', 'true'],
        ['gpg.program', '/nonexistent/gpg'],
      ] as const)
        place.git('config', name, value)
      const before = place.frozen()
      const env = { SINGULARITY_APPROVALS_AUTO_RISK: 'medium' }
      const answer = await place.run(['improve', '--patch', '-', '--yes'], { input: GOOD_PATCH, env })
      const { state, reasons } = candidateOf(answer)
      expect({ exitCode: answer.exitCode, state, codes: reasons.map(({ code }: { code: string }) => code) }, answer.stdout).toEqual({
        exitCode: 4,
        state: 'approved',
        codes: ['unsigned'],
      })
      expect(answer.json.data.next).toContain('singularity resume')
      expect(place.frozen()).toEqual(before)
    } finally {
      place.cleanup()
    }
  })
})
