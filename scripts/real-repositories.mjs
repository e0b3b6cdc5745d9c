// Runs the main job on real repositories at pinned commits, prints a table and writes it into docs/benchmarks/real-repositories.md.
// usage: node scripts/real-repositories.mjs FOLDER [--only-missing] [NAME...]
// FOLDER holds one clone per name of scripts/real-repositories.json; --only-missing takes over what an earlier run left there.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mergeTable, replacePart, withRows } from './document-parts.mjs'

const project = join(dirname(fileURLToPath(import.meta.url)), '..')
const page = join(project, 'docs', 'benchmarks', 'real-repositories.md')
const launcher = join(project, 'native', 'build', 'launcher')
const { values, positionals } = parseArgs({ options: { 'only-missing': { type: 'boolean' } }, allowPositionals: true })
const [folder, ...names] = positionals
if (!folder) {
  console.error('usage: node scripts/real-repositories.mjs FOLDER [--only-missing] [NAME...]')
  process.exit(2)
}
if (!existsSync(launcher)) {
  console.error('The CPU time of whole process trees needs the launcher: node scripts/build-launcher.mjs')
  process.exit(2)
}
const list = JSON.parse(readFileSync(join(project, 'scripts', 'real-repositories.json'), 'utf8'))
const clones = resolve(folder)
// Without a dot: suites about dot files would see it in their own path.
const work = join(clones, 'singularity-show')
mkdirSync(work, { recursive: true })

/** A clone at the pinned commit on a branch of its own, with its dependencies installed; done once per name. */
function prepare({ name, commit, setup }) {
  const target = join(work, name)
  const env = { ...process.env, CI: '1', HUSKY: '0', COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' }
  if (!existsSync(join(target, '.git'))) {
    execFileSync('git', ['clone', '-q', '--no-hardlinks', join(clones, name), target], { stdio: 'inherit' })
    execFileSync('git', ['checkout', '-q', '-B', 'show', commit], { cwd: target, stdio: 'inherit' })
    for (const line of setup) {
      const result = spawnSync('sh', ['-c', line], { cwd: target, env, encoding: 'utf8' })
      if (result.status !== 0) console.error(`${name}: set-up step failed (${line}): ${result.stderr.split('\n').slice(-3).join(' ')}`)
    }
  }
  execFileSync('git', ['config', 'user.name', 'Show'], { cwd: target })
  execFileSync('git', ['config', 'user.email', 'show@example.com'], { cwd: target })
  return target
}

function state(cwd) {
  const git = (...args) => execFileSync('git', args, { cwd, maxBuffer: 1 << 28 })
  return createHash('sha256')
    .update(git('status', '--porcelain', '-z', '--untracked-files=all'))
    .update(git('for-each-ref', 'refs/heads', 'refs/tags'))
    .digest('hex')
}

/**
 * One call of the program under the launcher, which adopts and waits for everything it leaves behind: its figure holds the
 * jail, the suites in it and their children. `cpuSeconds` is undefined where it was stopped before it could report.
 */
function singularity(cwd, args) {
  const command = [process.execPath, join(project, 'bin', 'run.js'), ...args, '--json']
  const started = performance.now()
  const result = spawnSync(launcher, ['run', '--report-fd', '3', '--grace', '30000', '--', ...command], {
    cwd,
    env: { ...process.env, XDG_STATE_HOME: join(work, 'state'), XDG_CONFIG_HOME: join(work, 'config') },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const used = parse(result.output?.[3])
  let answer = parse(result.stdout)
  if (!answer) answer = { ok: false, error: { code: 'NO_JSON', message: `${result.stdout?.slice(0, 200)} ${result.stderr?.slice(-400)}` } }
  return {
    status: result.status,
    minutes: (performance.now() - started) / 60_000,
    cpuSeconds: used && (used.user_us + used.system_us) / 1e6,
    ...answer,
  }
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Approves and undoes one kept candidate; the answer is a word for the table. */
function landAndUndo(cwd, run, commit) {
  const kept = run.data.candidates.find(({ state: at, verdict }) => at === 'awaiting_approval' && verdict === 'keep')
  if (!kept) return run.data.totals.found === 0 ? 'nothing found' : 'nothing kept'
  const approved = singularity(cwd, ['approve', kept.id])
  const undone = singularity(cwd, ['undo', kept.id, '--yes'])
  execFileSync('git', ['reset', '-q', '--hard', commit], { cwd })
  return approved.data?.state === 'landed' && undone.data?.state === 'undone'
    ? 'landed and undone'
    : `failed: ${approved.error?.code ?? approved.data?.state} ${undone.error?.code ?? ''}`
}

/** The main job on one repository, as a row of the table. */
function measure(repository) {
  const { name, runner, language, land = false, args = [] } = repository
  const cwd = prepare(repository)
  const before = state(cwd)
  const run = singularity(cwd, ['improve', '--into', 'current', '--time-limit', repository.timeLimit ?? '10m', ...args])
  const untouched = state(cwd) === before
  const totals = run.data?.totals
  const row = {
    name,
    commit: repository.commit.slice(0, 10),
    language,
    runner,
    found: totals?.found,
    kept: totals?.kept,
    'rolled back': totals?.rolled_back,
    undecided: totals?.cannot_decide,
    errored: totals?.errored,
    'not run': totals?.not_run,
    'blind spots': run.data?.blind_spots.length,
    minutes: run.minutes.toFixed(1),
    'CPU s': run.cpuSeconds?.toFixed(0) ?? 'not known',
    exit: run.ok ? run.status : `${run.status} ${run.error.code}`,
    'tree untouched': untouched ? 'yes' : 'NO',
    landed: land && run.ok ? landAndUndo(cwd, run, repository.commit) : '',
  }
  writeFileSync(join(work, `${name}.json`), JSON.stringify({ row, run }, null, 2))
  if (!run.ok) console.error(`  ${run.error.message}`)
  return row
}

/** What an earlier run left for this commit. Files of before rows were kept have none and are measured again. */
function earlier({ name, commit }) {
  const file = join(work, `${name}.json`)
  const row = existsSync(file) ? parse(readFileSync(file, 'utf8'))?.row : undefined
  return row?.commit === commit.slice(0, 10) ? row : undefined
}

for (const name of names)
  if (!list.some((each) => each.name === name)) {
    console.error(`"${name}" is not in scripts/real-repositories.json`)
    process.exit(2)
  }
const rows = []
for (const repository of list.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const row = (values['only-missing'] && earlier(repository)) || measure(repository)
  rows.push(row)
  console.error(JSON.stringify(row))
  // after each row: an interrupted run has not measured for nothing
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    replacePart(text, 'table', (old) =>
      mergeTable(
        old,
        rows,
        list.map((each) => each.name),
      ),
    ),
  )
}
console.log(withRows(rows))
