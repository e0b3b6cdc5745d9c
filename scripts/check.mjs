// Everything that can be said about the source without running it. `node scripts/check.mjs [--fix]` ends with 1 on a finding.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const fix = process.argv.includes('--fix')
const annotate = process.env.GITHUB_ACTIONS === 'true'

/** Name, program of node_modules/.bin or script of this folder, arguments. */
const CHECKS = [
  ['types', 'tsc', ['-p', '.']],
  ['lint', 'oxlint', ['--deny-warnings', ...(fix ? ['--fix'] : []), ...(annotate ? ['-f', 'github'] : [])]],
  ['format', 'oxfmt', fix ? [] : ['--check']],
  ['unused', 'knip', ['--no-progress']],
  ['documents', 'generate-docs.mjs', fix ? [] : ['--check']],
  ['package', 'publint', ['--strict']],
  ['native', 'check-native.mjs', []],
  ['audit', 'audit.mjs', []],
]

/** The exit code of our own scripts where they could not look: said, and no failure. */
const NOT_CHECKED = 3

const failed = []
for (const [name, program, args] of CHECKS) {
  const started = performance.now()
  const command = program.endsWith('.mjs')
    ? [process.execPath, [join(root, 'scripts', program), ...args]]
    : [join(root, 'node_modules', '.bin', program), args]
  const { status, error, stdout, stderr } = spawnSync(...command, { cwd: root, encoding: 'utf8' })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const unknown = status === NOT_CHECKED && program.endsWith('.mjs')
  console.log(`${status === 0 ? 'ok  ' : unknown ? '?   ' : 'FAIL'} ${name.padEnd(10)} ${program} ${seconds} s`)
  if (unknown) console.log(`     not checked here: ${stdout.trim()}`)
  if (status === 0 || unknown) continue
  failed.push(name)
  console.log(error ? String(error) : `${stdout}${stderr}`.trim())
}
if (failed.length > 0) {
  console.log(
    `\n${failed.length} of ${CHECKS.length} checks failed: ${failed.join(', ')}. What can be repaired by itself: npm run check -- --fix`,
  )
  process.exitCode = 1
}
