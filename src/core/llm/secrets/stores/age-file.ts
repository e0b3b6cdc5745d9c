import { SingularityError, messageOf, parseJson } from '../../../kernel/index.ts'
import { readPrivate, writePrivate } from '../private-file.ts'
import type { SecretStore } from '../secret-store.ts'

export type AgeFileDeps = {
  /** secrets.age in the user's configuration folder. */
  path: string
  /** File with an `AGE-SECRET-KEY-...` line; null: a passphrase is used. */
  identityFile: string | null
  passphrase: string | null
  /** Asks a person; null where nobody can be asked. */
  askPassphrase: (() => Promise<string | null>) | null
  /** Base-2 logarithm of scrypt's work: 17 takes half a second here, and that long for each guess of an attacker. */
  workFactor?: number
}

type Key = { identity: string } | { passphrase: string }

const WORK_FACTOR = 17

/** All keys in one file of the age format (age-encryption.org): readable with the `age` program too. */
export function createAgeFile({ path, identityFile, passphrase, askPassphrase, workFactor = WORK_FACTOR }: AgeFileDeps): SecretStore {
  let opened: { key: Key; secrets: Record<string, string> } | undefined

  async function findKey(): Promise<Key> {
    if (identityFile !== null) {
      const identity = /^AGE-SECRET-KEY-\S+$/m.exec(readPrivate(identityFile)?.toString('utf8') ?? '')?.[0]
      if (identity === undefined) throw locked(`${identityFile} holds no AGE-SECRET-KEY line.`)
      return { identity }
    }
    const given = passphrase ?? (await askPassphrase?.()) ?? null
    if (given === null || given === '') throw locked('The file of stored keys needs its passphrase.')
    return { passphrase: given }
  }

  async function open(known?: Key): Promise<NonNullable<typeof opened>> {
    if (opened) return opened
    const data = readPrivate(path)
    const key = known ?? (await findKey())
    if (data === null) return (opened = { key, secrets: {} })
    const { Decrypter } = await import('age-encryption')
    const decrypter = new Decrypter()
    if ('identity' in key) decrypter.addIdentity(key.identity)
    else decrypter.addPassphrase(key.passphrase)
    let text: string
    try {
      text = await decrypter.decrypt(data, 'text')
    } catch (error) {
      throw locked(`${path} does not open: ${messageOf(error)}.`)
    }
    return (opened = { key, secrets: (parseJson(text) ?? {}) as Record<string, string> })
  }

  return {
    name: 'file',
    available: () => identityFile !== null || passphrase !== null || askPassphrase !== null,
    async get(name) {
      if (readPrivate(path) === null) return null
      const { secrets } = await open()
      return Object.hasOwn(secrets, name) ? secrets[name]! : null
    },
    async set(name, value) {
      // read anew: another program may have added a key since
      const key = opened?.key
      opened = undefined
      const { secrets, key: used } = await open(key)
      const next = { ...secrets, [name]: value }
      const age = await import('age-encryption')
      const encrypter = new age.Encrypter()
      if ('identity' in used) encrypter.addRecipient(await age.identityToRecipient(used.identity))
      else {
        encrypter.setPassphrase(used.passphrase)
        encrypter.setScryptWorkFactor(workFactor)
      }
      writePrivate(path, await encrypter.encrypt(JSON.stringify(next)))
      opened = { key: used, secrets: next }
    },
  }
}

function locked(message: string): SingularityError {
  return new SingularityError('SECRETS_LOCKED', message, {
    hints: [
      'export SINGULARITY_SECRETS_PASSPHRASE=...',
      'export SINGULARITY_SECRETS_IDENTITY=~/.config/singularity/age-identity.txt',
      'export OPENAI_API_KEY=...   # the environment needs no store',
    ],
  })
}
