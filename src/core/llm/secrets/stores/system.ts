import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SingularityError } from '../../../kernel/index.ts'
import { type ProcessResult, runProcess } from '../../../process/index.ts'
import type { SecretStore } from '../secret-store.ts'

export type SystemStoreDeps = { env: Readonly<Record<string, string | undefined>>; platform: NodeJS.Platform; cwd: string }

const SERVICE = 'singularity'
/** A keyring that wants to be unlocked by hand would wait for ever where nobody sits. */
const LIMIT_MS = 20_000
const PASSED = ['PATH', 'HOME', 'USER', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'DISPLAY', 'WAYLAND_DISPLAY']

/**
 * The Secret Service of a Linux desktop through `secret-tool`, the keychain of macOS through `security`. Values go in through
 * standard input: arguments of a program can be read by everybody on the machine.
 */
export function createSystemStore({ env, platform, cwd }: SystemStoreDeps): SecretStore {
  const isMac = platform === 'darwin'
  const program = find(isMac ? 'security' : 'secret-tool', env['PATH'])
  const passed = Object.fromEntries(PASSED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))) as Record<
    string,
    string
  >
  const call = async (args: readonly string[], input?: string): Promise<ProcessResult> =>
    runProcess({
      command: program!,
      args,
      cwd,
      env: passed,
      timeoutMs: LIMIT_MS,
      maxOutputBytes: 65_536,
      ...(input !== undefined && { input }),
    })

  return {
    name: 'system',
    available: () => program !== null && (isMac || Boolean(env['DBUS_SESSION_BUS_ADDRESS'])),
    async get(name) {
      const found = await call(
        isMac ? ['find-generic-password', '-s', SERVICE, '-a', name, '-w'] : ['lookup', 'service', SERVICE, 'account', name],
      )
      if (found.timedOut || found.startError) throw locked(program!)
      return found.exitCode === 0 ? found.stdout.toString('utf8').replace(/\n$/, '') : null
    },
    async set(name, value) {
      const hex = Buffer.from(value).toString('hex')
      const done = isMac
        ? await call(['-i'], `add-generic-password -U -s ${SERVICE} -a ${name} -X ${hex}\n`)
        : await call(['store', `--label=Singularity ${name}`, 'service', SERVICE, 'account', name], value)
      if (done.exitCode !== 0) throw locked(program!)
    },
  }
}

function locked(program: string): SingularityError {
  return new SingularityError('SECRETS_LOCKED', `${program} does not open the system's secret store.`, {
    hints: ['singularity secrets set NAME --store file', 'export NAME=...'],
  })
}

function find(program: string, path = ''): string | null {
  for (const folder of path.split(delimiter).filter((each) => each.startsWith('/')))
    try {
      accessSync(join(folder, program), constants.X_OK)
      return join(folder, program)
    } catch {
      // not in this one
    }
  return null
}
