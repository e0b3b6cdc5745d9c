import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, vi } from 'vitest'
import { type FileContent, type TestRepository, createRepository, hashFiles } from '../support/repository.ts'

// Whole runs of the program on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 240_000 })

/** The built program, as a person runs it. */
export const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'run.js')

export type Envelope = {
  schema: string
  ok: boolean
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever the machine output holds
  data?: any
  error?: { code: string; kind: string; message: string; hints: string[]; data?: Record<string, unknown> }
}

export type Answer = { exitCode: number | null; signal: string | null; stdout: string; stderr: string; json: Envelope }

export type RunOptions = { cwd?: string; env?: Record<string, string>; input?: string | Uint8Array; detached?: boolean }

/** A repository with a home of its own, and the built program over it. */
export type Playground = TestRepository & {
  /** The temporary folder around the repository: home, state and settings lie in it. */
  folder: string
  env: Record<string, string>
  /** Starts `singularity ARGS --json`; `done` resolves when it has ended. */
  start(args: readonly string[], options?: RunOptions): { child: ChildProcess; done: Promise<Answer> }
  run(args: readonly string[], options?: RunOptions): Promise<Answer>
  /** Everything of the repository that must be as before: references, index, stash, settings and every file. */
  frozen(): Record<string, string>
}

const TESTS = [
  "import assert from 'node:assert/strict'",
  "import { test } from 'node:test'",
  "import { has, last } from '../src/list.js'",
  "test('last', () => assert.equal(last([1, 2]), 2))",
  "test('has', () => assert.equal(has([1], 1), true))",
  "test('has not', () => assert.equal(has([1], 2), false))",
  '',
].join('\n')

/** Two small functions, three tests: what most cases start from. */
export const TINY: Record<string, FileContent> = {
  'package.json': `${JSON.stringify({ name: 'tiny', version: '1.0.0', type: 'module', engines: { node: '>=20' }, scripts: { test: 'node --test' } }, null, 2)}\n`,
  'src/list.js':
    'export function last(list) {\n  return list[list.length - 1]\n}\n\nexport function has(list, item) {\n  return list.indexOf(item) !== -1\n}\n',
  'test/list.test.js': TESTS,
}

/** The change most cases hand in: it is right, and the tests notice if it were not. */
export const GOOD_PATCH = patchOf('src/list.js', String(TINY['src/list.js']), (text) =>
  text.replace('list.indexOf(item) !== -1', 'list.includes(item)'),
)

/** A `git diff` of one changed place in a text file that ends with a newline. */
export function patchOf(file: string, text: string, change: (text: string) => string): string {
  const [before, after] = [text, change(text)].map((each) => each.replace(/\n$/, '').split('\n')) as [string[], string[]]
  let [head, tail] = [0, 0]
  while (before[head] === after[head]) head++
  while (tail < Math.min(before.length, after.length) - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  const from = Math.max(0, head - 3)
  const rows = (lines: string[], mark: string): string[] => lines.map((line) => `${mark}${line}`)
  const removed = rows(before.slice(head, before.length - tail), '-')
  const added = rows(after.slice(head, after.length - tail), '+')
  const context = [before.slice(from, head), before.slice(before.length - tail, before.length - tail + 3)].map((lines) =>
    rows(lines, ' '),
  ) as [string[], string[]]
  const around = context[0].length + context[1].length
  const hunk = [
    `@@ -${from + 1},${removed.length + around} +${from + 1},${added.length + around} @@`,
    ...context[0],
    ...removed,
    ...added,
    ...context[1],
  ]
  return `diff --git a/${file} b/${file}\n--- a/${file}\n+++ b/${file}\n${hunk.join('\n')}\n`
}

/** A `git diff` that adds one file. */
export function patchAdding(file: string, text: string, mode = '100644'): string {
  const lines = text.replace(/\n$/, '').split('\n')
  const end = mode === '120000' ? '\\ No newline at end of file\n' : ''
  return `diff --git a/${file} b/${file}\nnew file mode ${mode}\n--- /dev/null\n+++ b/${file}\n@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}\n`).join('')}${end}`
}

/** A repository on the branch `work`, which is not protected. `measured`: with the forty runs that comparing CPU time takes. */
export function createPlayground(
  files: Record<string, FileContent> | null = TINY,
  options: { identity?: boolean; measured?: boolean } = {},
): Playground {
  const repository = createRepository(files, options)
  const folder = dirname(repository.root)
  if (files) repository.git('branch', '-m', 'work')
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'home'),
    USER: 'ada',
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    SINGULARITY_MEASURE_CPU: String(options.measured === true),
  }
  mkdirSync(env['HOME']!)
  const start: Playground['start'] = (args, { cwd = repository.root, env: more = {}, ...rest } = {}) =>
    startProgram(args, { ...rest, cwd, env: { ...env, ...more } })
  return {
    ...repository,
    folder,
    env,
    start,
    run: (args, runOptions) => start(args, runOptions).done,
    frozen: () => freeze(repository.root),
  }
}

/** Starts `singularity ARGS --json`; the environment is exactly the given one. */
export function startProgram(
  args: readonly string[],
  { cwd, env, input, detached = false }: RunOptions & { cwd: string; env: Record<string, string> },
): { child: ChildProcess; done: Promise<Answer> } {
  const child = spawn(process.execPath, [PROGRAM, ...args, '--json'], { cwd, env, detached, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}) // a program that does not read its input closes it
  child.stdin.end(input ?? '')
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const done = new Promise<Answer>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      const stdout = Buffer.concat(out).toString('utf8')
      resolve({ exitCode, signal, stdout, stderr: Buffer.concat(err).toString('utf8'), json: parse(stdout) })
    })
  })
  return { child, done }
}

function parse(stdout: string): Envelope {
  try {
    return JSON.parse(stdout) as Envelope
  } catch {
    return { schema: '', ok: false }
  }
}

/** Machine state of our own, and objects (git never forgets those on its own), may come and go. */
const OWN = [/^objects\//, /^singularity\//, /^(?:logs\/)?refs\/singularity\//]

/** One hash per file of the working tree and of the git directory, ours and the objects left out. */
export function freeze(root: string): Record<string, string> {
  const gitDir = existsSync(join(root, '.git')) ? join(root, '.git') : root
  const found: Record<string, string> = gitDir === root ? {} : hashFiles(root)
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(gitDir, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (OWN.some((pattern) => pattern.test(`${path}/`) || pattern.test(path))) continue
      if (entry.isDirectory()) walk(path)
      else if (lstatSync(join(gitDir, path)).isSymbolicLink()) found[`.git/${path}`] = readlinkSync(join(gitDir, path))
      else
        found[`.git/${path}`] = createHash('sha256')
          .update(readFileSync(join(gitDir, path)))
          .digest('hex')
    }
  }
  if (existsSync(gitDir) && lstatSync(gitDir).isDirectory()) walk('')
  return found
}

/** Whether some sandbox of this repository holds a file of this name at its top; folders come and go while one looks. */
export function isInSandbox(place: Playground, name: string): boolean {
  const home = join(place.env['XDG_STATE_HOME']!, 'singularity')
  const below = (folder: string): string[] => {
    try {
      return readdirSync(folder).map((each) => join(folder, each))
    } catch {
      return []
    }
  }
  return below(home).some((each) =>
    below(join(each, 'sandboxes')).some((sandbox) => below(sandbox).some((tree) => existsSync(join(tree, name)))),
  )
}

/** Runs a command that must fail with this code, and must leave the repository as it was. */
export async function refuses(
  place: Playground,
  args: readonly string[],
  code: string,
  exitCode: number,
  options: RunOptions = {},
): Promise<Answer> {
  const before = place.frozen()
  const answer = await place.run(args, options)
  expect({ code: answer.json.error?.code, exitCode: answer.exitCode }, answer.stdout.slice(0, 2000) + answer.stderr.slice(0, 4000)).toEqual(
    { code, exitCode },
  )
  expect(place.frozen()).toEqual(before)
  return answer
}

/** Hands in a patch for judgement only; what the repository holds must stay as it was. */
export async function judge(
  place: Playground,
  patch: string | Uint8Array,
  more: readonly string[] = [],
  options: RunOptions = {},
): Promise<Answer> {
  const before = place.frozen()
  const answer = await place.run(['improve', '--patch', '-', '--dry-run', ...more], { ...options, input: patch })
  expect(place.frozen()).toEqual(before)
  return answer
}

/** The one candidate of an answer, with the whole output as the message when there is none. */
// oxlint-disable-next-line typescript/no-explicit-any -- see Envelope
export function candidateOf(answer: Answer): any {
  expect(answer.json.data?.candidates, answer.stdout.slice(0, 3000) + answer.stderr.slice(0, 3000)).toHaveLength(1)
  return answer.json.data.candidates[0]
}

/** The change went through the whole cascade and is kept: every test passes as on the base. */
export function expectProven(answer: Answer, tests: number): void {
  const candidate = candidateOf(answer)
  const { regressed, candidate: counts } = candidate.evidence.tests
  expect(
    { exitCode: answer.exitCode, verdict: candidate.verdict, reasons: candidate.reasons, regressed, pass: counts.pass },
    JSON.stringify(candidate, null, 1).slice(0, 4000),
  ).toEqual({ exitCode: 0, verdict: 'keep', reasons: [], regressed: [], pass: tests })
}
