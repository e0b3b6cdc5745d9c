// A PostgreSQL server of our own for the length of a measure: a new cluster in a temporary folder, reached by a socket in it only.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { accessSync, chownSync, constants, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

function find(name) {
  const debian = '/usr/lib/postgresql'
  const versions = (() => {
    try {
      return readdirSync(debian).map((version) => join(debian, version, 'bin'))
    } catch {
      return []
    }
  })()
  return [...(process.env.PATH ?? '').split(delimiter), ...versions.toReversed()]
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** The server refuses to run as root: whom it runs as instead, undefined where nobody else is needed. */
function otherUser() {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((which) => spawnSync('id', [which, name], { encoding: 'utf8' }))
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new Error('PostgreSQL does not run as root, and there is no other user.')
}

/** Runs `body` with how to reach the server; answers null where there is no PostgreSQL. */
export async function withPostgres(body) {
  const [initdb, postgres] = [find('initdb'), find('postgres')]
  if (!initdb || !postgres) return null
  const user = otherUser()
  const folder = mkdtempSync(join(tmpdir(), 'singularity-pg-'))
  const [data, socket] = [join(folder, 'data'), join(folder, 'socket')]
  for (const path of [data, socket]) mkdirSync(path, { mode: 0o700 })
  if (user) for (const path of [folder, data, socket]) chownSync(path, user.uid, user.gid)
  const options = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  let server
  const kill = () => server?.kill('SIGQUIT')
  try {
    execFileSync(initdb, ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
      ...options,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    server = spawn(postgres, ['-D', data, '-k', socket, '-c', 'listen_addresses='], { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    process.once('exit', kill)
    await new Promise((resolve, reject) => {
      let text = ''
      server.stderr.on('data', (part) => {
        text += part
        if (text.includes('ready to accept connections')) resolve()
      })
      server.on('error', reject)
      server.on('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}: ${text.slice(-500)}`)))
    })
    const version = execFileSync(postgres, ['--version'], { encoding: 'utf8' }).match(/\d+(?:\.\d+)?/)?.[0] ?? 'unknown'
    return { version, ...(await body({ host: socket, user: 'bench', database: 'postgres' })) }
  } finally {
    if (server && server.exitCode === null && server.signalCode === null) {
      const gone = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGINT')
      await gone
    }
    process.off('exit', kill)
    rmSync(folder, { recursive: true, force: true })
  }
}
