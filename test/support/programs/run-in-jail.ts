// Runs `sh -c SCRIPT` in an isolation until it is killed: run-in-jail KIND STATE LAUNCHER SCRIPT
import type { IsolationKind } from '../../../src/core/sandbox/index.ts'
import { createIsolation } from '../../../src/core/sandbox/machinery.ts'

const [kind, stateDir, launcher, script] = process.argv.slice(2) as [IsolationKind, string, string, string]
const isolation = createIsolation(kind, {
  path: process.env['PATH'] ?? '',
  launcher,
  stateDir,
  uid: process.getuid!(),
  gid: process.getgid!(),
})
const result = await isolation.run({
  command: ['sh', '-c', script],
  cwd: '/',
  env: { PATH: '/usr/bin:/bin' },
  mounts: [],
  network: 'none',
  limits: { timeoutMs: 60_000, maxProcesses: 64 },
  onOutput: (_stream, text) => process.stdout.write(text),
})
console.log(`\n${JSON.stringify({ ...result, stdout: '', stderr: '' })}`)
