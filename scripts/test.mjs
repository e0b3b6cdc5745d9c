// `npm test`: sets up what is missing, checks the source, runs every test, and ends with one line of counts.
// --crash runs the full crash sweep only, --live one small paid call per provider with a key; other arguments go to vitest.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, setup } from './setup.mjs'

const words = process.argv.slice(2)
const crash = words.includes('--crash')
const live = words.includes('--live')
const chosen = crash ? ['test/crash'] : live ? ['test/live'] : words
const counts = { passed: 0, failed: 0, skipped: 0 }

setup({ tests: true })
const checked = chosen.length > 0 || spawnSync(process.execPath, ['scripts/check.mjs'], { cwd: root, stdio: 'inherit' }).status === 0

const folder = mkdtempSync(join(tmpdir(), 'singularity-report-'))
const report = join(folder, 'report.json')
const { status } = spawnSync(
  process.execPath,
  [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...chosen],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(crash && { SINGULARITY_CRASH_FULL: '1' }), ...(live && { SINGULARITY_LIVE: '1' }) },
  },
)
try {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  for (const file of testResults) {
    for (const { status: outcome } of file.assertionResults) counts[outcome === 'passed' || outcome === 'failed' ? outcome : 'skipped'] += 1
    // A file that could not be loaded reports no test: it counts as one that failed.
    if (file.status === 'failed' && !file.assertionResults.some((each) => each.status === 'failed')) counts.failed += 1
  }
} catch (error) {
  console.error(`vitest left no report: ${error.message}`)
  counts.failed += 1
}
rmSync(folder, { recursive: true, force: true })
if (!checked) counts.failed += 1
if (status !== 0 && counts.failed === 0) counts.failed = 1
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 ? 1 : 0
