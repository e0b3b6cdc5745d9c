// Creates and discards sandboxes until it is killed: create-sandboxes REPOSITORY STATE LAUNCHER
import { join } from 'node:path'
import { createGit, discoverRepository } from '../../../src/core/git/index.ts'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { createIsolation, createSandboxRoom } from '../../../src/core/sandbox/machinery.ts'
import { STATE_MIGRATIONS, openDatabase } from '../../../src/core/storage/index.ts'

const [cwd, state, launcher] = process.argv.slice(2) as [string, string, string]
const git = createGit(await discoverRepository({ cwd, env: process.env }), { env: process.env })
const db = openDatabase({ path: join(state, 'state.db'), applicationId: 0x53474c31, migrations: STATE_MIGRATIONS })
const path = process.env['PATH'] ?? ''
const isolation = createIsolation('bubblewrap', {
  path,
  launcher,
  stateDir: join(state, 'isolation'),
  uid: process.getuid!(),
  gid: process.getgid!(),
})
const room = createSandboxRoom({
  git,
  db,
  clock: systemClock,
  isolation,
  processes: createProcessInfo(),
  stateHome: state,
  path,
  home: '/nowhere',
})
console.log('ready')
for (;;) {
  const profile = { mounts: [], path: '/usr/bin:/bin', env: {}, include: [], git: 'none' as const, services: [] }
  const sandbox = await room.create({ commit: 'HEAD', purpose: 'validate', profile })
  await sandbox.run({ command: ['sh', '-c', 'echo x > new; echo y > a.txt'], timeoutMs: 10_000 })
  await sandbox.moveTo('HEAD~1')
  await sandbox.discard()
}
