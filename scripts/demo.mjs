// The main job on the bundled example repository, end to end. Uses nothing but the built program and git.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = join(dirname(fileURLToPath(import.meta.url)), '..')
const program = join(project, 'bin', 'run.js')
const started = Date.now()

const folder = mkdtempSync(join(tmpdir(), 'singularity-example-'))
const repository = join(folder, 'shop')
const env = {
  ...process.env,
  XDG_STATE_HOME: join(folder, 'state'),
  XDG_CONFIG_HOME: join(folder, 'config'),
  GIT_CONFIG_GLOBAL: '/dev/null',
}
// A person sits here: in continuous integration what is approved lands on a branch of its own, not on the one that is checked out.
delete env.CI
const git = (...args) => execFileSync('git', args, { cwd: repository, env, encoding: 'utf8' }).trim()
const isolation = process.argv.includes('--without-isolation') ? ['--isolation', 'none'] : []

function say(text) {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(3, 90 - text.length))}`)
}

/** Runs the program as a person would and shows what it prints. */
function show(args, { expect = [0], json = false } = {}) {
  if (!json) console.log(`$ singularity ${args.map((arg) => (/[^\w./=:-]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`)
  const result = spawnSync(process.execPath, [program, ...args, ...(json ? ['--json'] : [])], {
    cwd: repository,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', json ? 'pipe' : 'inherit'],
    maxBuffer: 1 << 28,
  })
  if (!json) process.stdout.write(result.stdout)
  if (!expect.includes(result.status))
    throw new Error(`singularity ${args.join(' ')} ended with ${result.status}, expected ${expect.join(' or ')}\n${result.stderr ?? ''}`)
  return json ? JSON.parse(result.stdout).data : result.status
}

function must(condition, text) {
  if (!condition) throw new Error(`The example did not show what it should: ${text}`)
}

try {
  cpSync(join(project, 'examples', 'shop'), repository, { recursive: true })
  git('init', '-q', '-b', 'shop')
  git('config', 'user.name', 'Example Developer')
  git('config', 'user.email', 'developer@example.com')
  git('add', '-A')
  git('commit', '-q', '-m', 'feat: the shop')

  say('1. Prove what could be improved, in the sandbox (nothing lands without a yes)')
  const prove = ['improve', '--source', 'rules', ...isolation]
  // 0: nothing was kept. CPU time cannot be compared where other programs take the processor; then the tests decide alone
  if (show(prove, { expect: [4, 0] }) === 0) {
    say('This machine is too busy to compare CPU time: once more without')
    env.SINGULARITY_MEASURE_CPU = 'false'
    show([...prove, '--retry'], { expect: [4] })
  }
  const run = show(['runs'], { json: true }).runs[0]
  const { candidates, blind_spots } = show(['show', run.id], { json: true })
  const partly = candidates.find(({ parent, verdict }) => parent !== null && verdict === 'keep')
  const kept = candidates.filter(({ verdict }) => verdict === 'keep')
  must(kept.length >= 3, 'at least three candidates are kept')
  must(partly && partly.sites.dropped > 0, 'one candidate is partly kept')
  must(
    candidates.some(({ verdict, state }) => verdict === 'roll_back' && state === 'rejected'),
    'one candidate is rolled back',
  )
  must(
    blind_spots.some(({ name }) => name === 'shipping'),
    'the untested function is found',
  )

  say('2. A patch that weakens a test is refused')
  show(['improve', '--patch', join(project, 'examples', 'shop', 'weaken-a-test.patch'), ...isolation], { expect: [1] })

  say('3. What exactly was proven about the candidate that was kept in part')
  show(['show', partly.id])
  show(['diff', partly.id])

  say('4. A person approves it; it lands as one commit, the working tree keeps everything else')
  show(['approve', partly.id])
  console.log(git('log', '--stat', '-1'))
  const file = partly.files[0]
  const line = git('diff', '-U0', 'HEAD~1', 'HEAD', '--', file).match(/^@@ -\S+ \+(\d+)/m)[1]
  show(['why', `${file}:${line}`])

  say('5. And is undone')
  show(['undo', partly.id, '--yes'])
  must(git('diff', 'HEAD~2', 'HEAD') === '', 'after the undo the files are as before')
  must(git('status', '--porcelain') === '', 'the working tree is clean')
  console.log(git('log', '--oneline'))

  const counts = {
    kept: kept.length,
    rolled_back: candidates.filter(({ verdict, state }) => verdict === 'roll_back' && state === 'rejected').length,
  }
  say(
    `Done in ${Math.round((Date.now() - started) / 1000)} s: ${counts.kept} kept, ${counts.rolled_back} rolled back, 1 kept in part, 1 refused, 1 landed and undone`,
  )
  console.log(
    `Version ${JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).version}. Try it in a repository of your own: cd there, then ${program}`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
