// `npm start`: sets up what is missing, then runs the main job on the bundled example repository.
import { spawnSync } from 'node:child_process'
import { canIsolate, root, setup } from './setup.mjs'

setup()
const isolated = canIsolate()
if (!isolated)
  console.error(
    '! bubblewrap is missing or may not make namespaces here: the example runs with --isolation none, and every candidate waits for a person',
  )
const { status, signal } = spawnSync(process.execPath, ['scripts/demo.mjs', ...(isolated ? [] : ['--without-isolation'])], {
  cwd: root,
  stdio: 'inherit',
})
process.exitCode = signal ? 130 : (status ?? 1)
