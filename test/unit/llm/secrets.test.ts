import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Secrets, createSecrets } from '../../../src/core/llm/index.ts'

const VALUE = 'sk-plaintext-0123456789abcdef'
const DAY = 86_400_000

let folder = ''
let now = Date.UTC(2026, 10, 20)
const clock = { now: () => now, monotonic: () => now }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-secrets-'))
  now = Date.UTC(2026, 10, 20)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const home = (): string => join(folder, 'config')
function open(env: Record<string, string> = {}, more: { ask?: () => Promise<string | null>; platform?: NodeJS.Platform } = {}): Secrets {
  const { ask = null, platform = 'linux' } = more
  return createSecrets({ env: { PATH: '/nowhere', ...env }, folder: home(), platform, clock, askPassphrase: ask, workFactor: 10 })
}
const withPassphrase = { SINGULARITY_SECRETS_PASSPHRASE: 'correct horse' }
/** Every byte below the folder. */
const onDisk = (): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')

describe('the encrypted file', () => {
  it('keeps keys over processes, and nothing of them in clear', async () => {
    const info = await open(withPassphrase).set('OPENAI_API_KEY', VALUE)
    await open(withPassphrase).set('GROQ_API_KEY', `${VALUE}-2`)
    expect(info).toEqual({
      name: 'OPENAI_API_KEY',
      store: 'file',
      set_at: '2026-11-20T00:00:00.000Z',
      rotated_at: null,
      expires_at: null,
      state: 'ok',
    })
    expect(await open(withPassphrase).get('OPENAI_API_KEY')).toBe(VALUE)
    expect(await open(withPassphrase).get('GROQ_API_KEY')).toBe(`${VALUE}-2`)
    expect(await open(withPassphrase).get('NOT_THERE')).toBeNull()
    const reader = open(withPassphrase)
    expect(reader.known()).toEqual([])
    await reader.get('OPENAI_API_KEY')
    expect(reader.known()).toEqual([VALUE])
    for (const form of [VALUE, Buffer.from(VALUE).toString('base64').slice(0, -4), Buffer.from(VALUE).toString('hex')])
      expect(onDisk()).not.toContain(form)
    expect(readdirSync(home()).toSorted()).toEqual(['secrets.age', 'secrets.json'])
    for (const name of readdirSync(home())) expect(statSync(join(home(), name)).mode & 0o777).toBe(0o600)
    expect(statSync(home()).mode & 0o777).toBe(0o700)
  })

  it('is a file of age: another program of that format reads it', async () => {
    await open(withPassphrase).set('OPENAI_API_KEY', VALUE)
    const decrypter = new Decrypter()
    decrypter.addPassphrase('correct horse')
    expect(JSON.parse(await decrypter.decrypt(readFileSync(join(home(), 'secrets.age')), 'text'))).toEqual({ OPENAI_API_KEY: VALUE })
  })

  it('opens with an identity file', async () => {
    const identity = await generateX25519Identity()
    const file = join(folder, 'identity.txt')
    writeFileSync(file, `# public key: ${await identityToRecipient(identity)}\n${identity}\n`)
    const env = { SINGULARITY_SECRETS_IDENTITY: file }
    await open(env).set('OPENAI_API_KEY', VALUE)
    expect(await open(env).get('OPENAI_API_KEY')).toBe(VALUE)
    writeFileSync(file, 'nothing\n')
    await expect(open(env).get('OPENAI_API_KEY')).rejects.toMatchObject({ code: 'SECRETS_LOCKED', exitCode: 6 })
  })

  it('asks a person where there is one, once; never anybody else', async () => {
    let asked = 0
    const ask = async (): Promise<string> => {
      asked++
      return 'correct horse'
    }
    const secrets = open({}, { ask })
    await secrets.set('OPENAI_API_KEY', VALUE)
    expect(await secrets.get('OPENAI_API_KEY')).toBe(VALUE)
    expect(asked).toBe(1)
    await expect(open().get('OPENAI_API_KEY')).rejects.toMatchObject({ code: 'SECRETS_LOCKED', exitCode: 6 })
    await expect(open().set('OPENAI_API_KEY', VALUE)).rejects.toMatchObject({ code: 'SECRETS_LOCKED' })
    await expect(open({}, { ask: async () => 'wrong' }).get('OPENAI_API_KEY')).rejects.toMatchObject({ code: 'SECRETS_LOCKED' })
    expect(await open({}, { ask }).get('OPENAI_API_KEY')).toBe(VALUE)
  })
})

describe('keys', () => {
  it('of the environment come first and are listed without their value', async () => {
    await open(withPassphrase).set('OPENAI_API_KEY', VALUE)
    const secrets = open({ ...withPassphrase, OPENAI_API_KEY: 'from-env', ANTHROPIC_API_KEY: 'x' })
    expect(await secrets.get('OPENAI_API_KEY')).toBe('from-env')
    const listed = secrets.list(['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GROQ_API_KEY'])
    expect(listed.map(({ name, store }) => [name, store])).toEqual([
      ['ANTHROPIC_API_KEY', 'environment'],
      ['OPENAI_API_KEY', 'environment'],
    ])
    expect(JSON.stringify(listed)).not.toContain('from-env')
    expect([secrets.has('GROQ_API_KEY'), secrets.has('ANTHROPIC_API_KEY'), secrets.has('toString')]).toEqual([false, true, false])
  })

  it('are rotated; how long they live starts anew', async () => {
    await open(withPassphrase).set('OPENAI_API_KEY', VALUE, { lifetimeMs: 30 * DAY })
    const state = () => open(withPassphrase).list([])[0]!
    expect(state()).toMatchObject({ state: 'ok', expires_at: '2026-12-20T00:00:00.000Z' })
    now += 17 * DAY
    expect(state().state).toBe('expires_soon')
    now += 13 * DAY
    expect(state().state).toBe('expired')
    await open(withPassphrase).rotate('OPENAI_API_KEY', 'sk-new')
    expect(state()).toMatchObject({ state: 'ok', rotated_at: '2026-12-20T00:00:00.000Z', expires_at: '2027-01-19T00:00:00.000Z' })
    expect(await open(withPassphrase).get('OPENAI_API_KEY')).toBe('sk-new')
    await expect(open(withPassphrase).rotate('GROQ_API_KEY', 'x')).rejects.toMatchObject({ code: 'NOT_FOUND', exitCode: 2 })
  })

  it.each([
    ['openai', VALUE],
    ['OPENAI API KEY', VALUE],
    ['OPENAI_API_KEY', ''],
    ['OPENAI_API_KEY', 'two\nlines'],
    ['OPENAI_API_KEY', '\u001b[31mred'],
  ])('are refused where they cannot be one: %j %j', async (name, value) => {
    await expect(open(withPassphrase).set(name, value)).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 })
  })
})

describe("the system's store", () => {
  /** Stand-ins that keep what they get in files, and what they were called with. */
  function programs(): string {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    const put = (name: string, text: string): void => {
      writeFileSync(join(bin, name), `#!/bin/sh\necho "$@" >> ${bin}/calls\n${text}`)
      chmodSync(join(bin, name), 0o755)
    }
    put('secret-tool', `case $1 in\nstore) /bin/cat > ${bin}/value;;\nlookup) /bin/cat ${bin}/value 2>/dev/null || exit 1;;\nesac\n`)
    put(
      'security',
      `case $1 in\n-i) /bin/sed 's/.* -X //' > ${bin}/hex;;\nfind-generic-password) [ -f ${bin}/hex ] || exit 44; ${process.execPath} -e 'process.stdout.write(Buffer.from(require("fs").readFileSync("${bin}/hex","utf8").trim(),"hex")+"\\n")';;\nesac\n`,
    )
    return bin
  }

  it.each([
    ['linux', { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' }],
    ['darwin', {}],
  ] as const)('is used where it is there, and no value is ever an argument: %s', async (platform, env) => {
    const bin = programs()
    const secrets = open({ ...env, PATH: bin }, { platform })
    expect(await secrets.get('OPENAI_API_KEY')).toBeNull()
    expect(await secrets.set('OPENAI_API_KEY', VALUE)).toMatchObject({ store: 'system' })
    expect(await open({ ...env, PATH: bin }, { platform }).get('OPENAI_API_KEY')).toBe(VALUE)
    const calls = readFileSync(join(bin, 'calls'), 'utf8')
    expect(calls.split('\n').length).toBeGreaterThan(1)
    expect(calls).not.toContain(VALUE)
    expect(calls).not.toContain(Buffer.from(VALUE).toString('hex'))
    expect(readFileSync(join(home(), 'secrets.json'), 'utf8')).not.toContain(VALUE)
  })

  it('without a session it is not tried', async () => {
    expect(await open({ ...withPassphrase, PATH: programs() }).set('OPENAI_API_KEY', VALUE)).toMatchObject({ store: 'file' })
    await expect(open({ PATH: join(folder, 'bin') }).set('X_KEY', VALUE, { store: 'system' })).rejects.toMatchObject({
      code: 'SECRETS_LOCKED',
    })
  })

  it('that does not open is told', async () => {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'secret-tool'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const secrets = open({ PATH: bin, DBUS_SESSION_BUS_ADDRESS: 'x' })
    await expect(secrets.set('OPENAI_API_KEY', VALUE)).rejects.toMatchObject({ code: 'SECRETS_LOCKED', exitCode: 6 })
    expect(secrets.has('OPENAI_API_KEY')).toBe(false)
  })
})
