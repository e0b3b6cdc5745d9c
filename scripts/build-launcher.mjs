// Compiles native/launcher.c to native/build/launcher. Without a compiler (or off Linux) the program works without it:
// CPU time then comes from control groups or is not measured. Never fails an installation.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'native', 'launcher.c')
const target = join(root, 'native', 'build', 'launcher')

function compile() {
  if (process.platform !== 'linux') return 'launcher: skipped, it is for Linux only'
  if (!existsSync(source)) return 'launcher: skipped, native/launcher.c is not here'
  if (existsSync(target) && statSync(target).mtimeMs >= statSync(source).mtimeMs) return undefined
  const compiler = [process.env['CC'], 'cc', 'gcc', 'clang'].find(
    (name) => name && spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  )
  if (!compiler)
    return 'launcher: skipped, no C compiler was found (CPU time is then measured by control groups, or not at all).\n  To get it: apt-get install gcc libc6-dev, then npm rebuild'
  mkdirSync(dirname(target), { recursive: true })
  const temporary = `${target}.${process.pid}`
  const result = spawnSync(compiler, ['-O2', '-Wall', '-o', temporary, source], { encoding: 'utf8' })
  if (result.status !== 0) {
    rmSync(temporary, { force: true })
    return `launcher: skipped, ${compiler} failed:\n${result.stderr}`
  }
  renameSync(temporary, target) // two installations at once never see half a program
  return 'launcher: built native/build/launcher'
}

const message = compile()
if (message) console.error(message)
