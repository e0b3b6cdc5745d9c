import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { SingularityError, oneLine, printable } from '../kernel/index.ts'
import { type HookName, type Hooks, findHooks, insideOf } from '../landing/index.ts'
import { type JailResult, type Sandbox, type SandboxRoom, isPlainPath } from '../sandbox/index.ts'
import { SKIP_HOOKS } from './deliver.ts'
import { programsIn } from './programs.ts'
import { type ImprovementDeps, createWorkbench } from './session.ts'

/** A commit that is about to be made on a branch. */
export type Landing = { runId: string; candidateId: string; tree: string; onto: string; message: string; branch: string }

/** Why an approved candidate does not land now, beyond what the landing itself refuses. */
export type Refusal = { status: 'hook_failed' | 'merge_fails'; reason: string }

type Deps = Pick<ImprovementDeps, 'git' | 'store' | 'settings' | 'hostEnv'>

const LONGEST_MS = 600_000
const LAST_LINES = 5
const MOST_FILES = 2000
const MOST_BYTES = 32 * 1024 * 1024
const NO_NETWORK = /ENOTFOUND|EAI_AGAIN|ENETUNREACH|could not resolve host|network is unreachable|temporary failure in name resolution/i
const NOT_FOUND = /^.*(?:command not found|: not found|No such file or directory|Cannot find (?:module|package)).*$/im

/**
 * Runs the project's `pre-commit` and `commit-msg` hooks as checks: in the jail, in a repository of their own in which
 * the parent is committed and the change staged. What lands is the commit that was validated, so a hook that edits files
 * has failed too. Answers null where every hook is content, or there is none.
 */
export async function checkHooks(deps: Deps, openRoom: () => Promise<SandboxRoom>, landing: Landing): Promise<Refusal | null> {
  const { git, settings, hostEnv } = deps
  const hooks = settings.hooks === 'skip' ? null : await findHooks(git, hostEnv['HOME'] ?? '/')
  if (!hooks) return null
  const edited = await changedPrograms(deps, hooks, landing)
  if (edited.length > 0) return refusal(`the change edits the hook itself (${edited.join(', ')})`)
  const room = await openRoom()
  const commit = await git.commitTree({ tree: landing.tree, parents: [landing.onto], message: landing.message })
  const workbench = createWorkbench({
    room,
    runId: landing.runId,
    setup: settings.setup,
    timeoutMs: settings.timeoutMs,
    profile: () =>
      room.profile({
        base: landing.onto,
        binaries: ['git', 'sh', ...programsNamed(hooks)],
        include: settings.include,
        env: settings.planEnv,
        git: 'staged',
        services: settings.services,
      }),
  })
  return workbench.use(commit, { purpose: 'inspect', fresh: true }, (sandbox) => runHooks(deps, hooks, landing, sandbox))
}

async function runHooks(deps: Deps, hooks: Hooks, landing: Landing, sandbox: Sandbox): Promise<Refusal | null> {
  await layHooks(deps, hooks, landing, sandbox)
  for (const name of hooks.names) {
    const before = await stateOf(sandbox)
    const result = await sandbox.run({
      command: ['sh', '-c', RUN, 'sh', name, ...(name === 'commit-msg' ? ['--', '.git/COMMIT_EDITMSG'] : [])],
      env: GIT_ENV,
      timeoutMs: Math.min(deps.settings.timeoutMs, deps.settings.planTimeoutMs ?? LONGEST_MS),
    })
    const problem = problemOf(name, result) ?? (await editsOf(name, before, sandbox))
    if (problem !== null) return refusal(problem)
  }
  const message = await git(sandbox, 'cat .git/COMMIT_EDITMSG')
  const rewritten = message.stdout.trim() !== landing.message.trim()
  deps.store.event('candidate.hooks', landing.runId, landing.candidateId, { passed: hooks.names, message_rewritten: rewritten })
  return null
}

const GIT_ENV = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' }
/** As `git commit` calls them: with the index it is about to commit, and no editor. */
const RUN = 'GIT_INDEX_FILE="$PWD/.git/index" GIT_EDITOR=: exec git hook run --ignore-missing "$@"'
const LAY = `set -e
target=$1 hooks=$2 branch=$3
rm -rf "$target"; mkdir -p "$(dirname "$target")"; cp -RpP /out/hooks "$target"
if [ -n "$hooks" ]; then git config core.hooksPath "$hooks"; fi
git config user.name "$4"; git config user.email "$5"
git branch -q -M "$branch"
cp /out/message .git/COMMIT_EDITMSG`

/** Puts the hooks where git looks for them: in the working tree as they were before the change, else into `.git/hooks`. */
async function layHooks({ git }: Deps, hooks: Hooks, landing: Landing, sandbox: Sandbox): Promise<void> {
  await sandbox.clearOut()
  const folder = join(sandbox.out, 'hooks')
  copyHooks(hooks.folder, folder, { host: realpathSync(git.repository.root), jail: sandbox.root })
  if (hooks.inTree !== null) {
    const reader = git.reader(landing.onto)
    for (const entry of (await reader.entries()).filter(({ path }) => path.startsWith(`${hooks.inTree}/`))) {
      const content = await reader.read(entry.path)
      const to = join(folder, entry.path.slice(hooks.inTree.length + 1))
      if (!content || (entry.mode !== '100644' && entry.mode !== '100755')) continue
      mkdirSync(dirname(to), { recursive: true })
      rmSync(to, { recursive: true, force: true })
      writeFileSync(to, content, { mode: entry.mode === '100755' ? 0o755 : 0o644 })
    }
  }
  writeFileSync(join(sandbox.out, 'message'), landing.message)
  const target = hooks.inTree ?? '.git/hooks'
  if (!isPlainPath(sandbox.path, target) && existsSync(join(sandbox.path, dirname(target))))
    throw new SingularityError('GIT_FAILED', `The hooks cannot be put at ${target}: a link stands on the way.`)
  const who = (await git.identity()) ?? { name: 'sandbox', email: 'sandbox@localhost' }
  const laid = await sandbox.run({
    command: ['sh', '-c', LAY, 'sh', target, hooks.hooksPath ?? '', landing.branch, who.name, who.email],
    env: GIT_ENV,
    timeoutMs: 60_000,
  })
  if (laid.exitCode !== 0) throw new SingularityError('GIT_FAILED', `The hooks could not be put into the sandbox: ${lastLines(laid)}`)
}

/** Copies a folder of hooks, without git's samples. A link into the working tree leads to the sandbox's, others are followed. */
function copyHooks(from: string, to: string, roots: { host: string; jail: string }): void {
  let [files, bytes] = [0, 0]
  const copy = (source: string, target: string): void => {
    const inTree = lstatSync(source).isSymbolicLink() && existsSync(source) ? insideOf(roots.host, realpathSync(source)) : null
    if (inTree !== null) return symlinkSync(join(roots.jail, inTree), target)
    if (!existsSync(source)) return
    const stat = statSync(source)
    if (stat.isDirectory()) {
      mkdirSync(target, { recursive: true })
      for (const name of readdirSync(source)) if (!name.endsWith('.sample')) copy(join(source, name), join(target, name))
    } else if (stat.isFile()) {
      bytes += stat.size
      if (++files > MOST_FILES || bytes > MOST_BYTES)
        throw new SingularityError('LIMIT_REACHED', `The hooks in ${from} are more than ${MOST_FILES} files or 32 MiB.`, {
          hints: SKIP_HOOKS,
        })
      writeFileSync(target, readFileSync(source))
      chmodSync(target, stat.mode & 0o777)
    }
  }
  copy(realpathSync(from), to)
}

/** Hooks that are links into the working tree, and which the change edits: it would be judged by its own words. */
async function changedPrograms({ git }: Deps, hooks: Hooks, { onto, tree }: Landing): Promise<string[]> {
  if (hooks.inTree !== null) return [] // those are taken from before the change
  const { root } = git.repository
  const targets = hooks.names.map((name) => insideOf(realpathSync(root), realpathSync(join(hooks.folder, name))))
  const changed = new Set((await git.changedFiles(onto, tree)).flatMap(({ path, oldPath }) => [path, oldPath]))
  return targets.filter((path): path is string => path !== null && changed.has(path))
}

/** Words of the hooks that may be programs: those that lie outside the system's folders are opened to the jail. */
function programsNamed(hooks: Hooks): string[] {
  const texts = readdirSync(hooks.folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.sample'))
    .map(({ name }) => readFileSync(join(hooks.folder, name), 'utf8').slice(0, 20_000))
  return programsIn(texts.join('\n'))
}

type State = { tree: string; dirty: ReadonlySet<string> }

async function stateOf(sandbox: Sandbox): Promise<State> {
  const { stdout } = await git(sandbox, 'git write-tree && git -c core.quotePath=false diff --name-only')
  const [tree = '', ...dirty] = stdout.split('\n').filter(Boolean)
  return { tree, dirty: new Set(dirty) }
}

const git = (sandbox: Sandbox, script: string): Promise<JailResult> =>
  sandbox.run({ command: ['sh', '-c', script], env: GIT_ENV, timeoutMs: 60_000 })

async function editsOf(name: HookName, before: State, sandbox: Sandbox): Promise<string | null> {
  const after = await stateOf(sandbox)
  const edited = [...after.dirty].filter((path) => !before.dirty.has(path))
  if (edited.length === 0 && before.tree === after.tree) return null
  const trees = `${before.tree} ${after.tree}`
  const staged =
    before.tree === after.tree || !/^[0-9a-f ]+$/.test(trees)
      ? []
      : (await git(sandbox, `git -c core.quotePath=false diff-tree -r --name-only ${trees}`)).stdout.split('\n').filter(Boolean)
  const files = oneLine([...new Set([...edited, ...staged])].slice(0, 3).join(', '))
  return `${name} edited ${files}: what lands is the validated commit, so a hook may check but not change it`
}

function problemOf(name: HookName, result: JailResult): string | null {
  const limit = result.limit ?? null
  if (result.exitCode === 0 && !result.timedOut && limit === null) return null
  const output = `${result.stdout}\n${result.stderr}`
  const last = lastLines(result)
  if (result.timedOut) return `${name} did not end in time: ${last}`
  if (limit !== null) return `${name} went over the sandbox's limit (${limit}): ${last}`
  if (NO_NETWORK.test(output)) return `${name} wants the network, which the sandbox does not have: ${last}`
  const missing = NOT_FOUND.exec(output)?.[0].trim()
  if (result.exitCode === 127 || missing !== undefined) return `${name} misses something in the sandbox (${missing ?? 'exit 127'}): ${last}`
  return `${name} failed (exit ${result.exitCode ?? result.signal}): ${last}`
}

function lastLines({ stdout, stderr }: JailResult): string {
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => printable(line).trim())
  return lines.filter(Boolean).slice(-LAST_LINES).join(' | ').slice(0, 600)
}

const refusal = (reason: string): Refusal => ({ status: 'hook_failed', reason })
