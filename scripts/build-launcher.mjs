// Compiles the trusted launcher. Without a compiler the program still works; CPU time is then not measured.
import { spawnSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const native = join(dirname(fileURLToPath(import.meta.url)), '..', 'native')
const [source, target] = [join(native, 'launcher.c'), join(native, 'build', 'launcher')]
const timeOf = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

if (process.platform === 'linux' && timeOf(target) < timeOf(source)) {
  mkdirSync(dirname(target), { recursive: true })
  const compilers = [process.env.CC, 'cc', 'gcc', 'clang'].filter(Boolean)
  const built = compilers.some((compiler) => spawnSync(compiler, ['-O2', '-Wall', '-static-pie', '-o', target, source], { stdio: 'ignore' }).status === 0)
    || compilers.some((compiler) => spawnSync(compiler, ['-O2', '-Wall', '-o', target, source], { stdio: 'ignore' }).status === 0)
  if (!built) console.error('singularity: no C compiler found; CPU time of test runs will not be measured (install gcc and run npm rebuild).')
}
