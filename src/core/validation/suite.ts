import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { JailResult, Sandbox } from '../sandbox/index.ts'
import { parseJson } from '../kernel/index.ts'
import type { CommandStep, CoverageMap, PlanEntry, RunSelection, TestReport } from './runner.ts'
import { refusesToCompile } from './refused.ts'
import { runnerOf } from './runners/index.ts'
import { asArray, asNumber, asRecord, asText, relativeToScope, relativeToTop } from './runners/report.ts'

/** What is likely wrong and what to do: a setting to make, or a command to run first. */
export type Cause = { what: string; setting: string; verb?: 'run' }

export type SuiteRun = {
  entryId: string
  report: TestReport
  coverage: CoverageMap | undefined
  cpuMs: number | null
  wallMs: number
  /** Did not end in time: it has no score. */
  timedOut: boolean
  outputLimited: boolean
  leftovers: boolean
  /** The tests did not run for a reason of their own: the code does not compile, or the runner could not be started. */
  unrun: 'compile' | 'start' | null
  /** What the command used too much of. */
  limit: JailResult['limit']
  /** The end of what was printed, for people. */
  tail: string
  /** What the output says about the surroundings rather than the code. */
  causes: readonly Cause[]
}

const REPORT_BYTES = 256 * 1024 * 1024
/** Where the output itself is the report (go, cargo, TAP, ESLint's JSON) nothing may be left out of its middle. */
const OUTPUT_BYTES = 16 * 1024 * 1024
const TAIL = 4000

const CAUSES: readonly (Cause & { pattern: RegExp })[] = [
  {
    pattern:
      /ECONNREFUSED|Connection refused|connect ENOENT|(?:could not|cannot|can't|failed to) connect to|connection to server at|server selection timed out/i,
    what: 'the tests connect to a service',
    setting: 'sandbox.services: ["COMMAND THAT STARTS IT"]',
  },
  {
    pattern:
      /ENOTFOUND|EAI_AGAIN|getaddrinfo|gaierror|Temporary failure in name resolution|Name or service not known|no such host|\blookup \S+ on \S+:53|could not resolve host|failed to lookup address|network is unreachable|fetch failed/i,
    what: 'the tests need the network',
    setting: "plan.test: 'COMMAND' without those tests",
  },
  {
    pattern: /Cannot find package '|Cannot find module '[^./]|ModuleNotFoundError|No module named/i,
    what: 'the dependencies are not installed',
    setting: 'npm ci, pnpm install, yarn install or pip install -e .',
    verb: 'run',
  },
  {
    pattern: /(?:Cannot find module|no such file)(?:(?!node_modules)[^\n])*\/(?:dist|build)\//i,
    what: 'the tests run a build result',
    setting: 'plan.build: "COMMAND"',
  },
  {
    pattern:
      /Cannot find module|ERR_MODULE_NOT_FOUND|ModuleNotFoundError|No module named|cannot find package|ENOENT: no such file|FileNotFoundError|No such file or directory/i,
    what: 'files are missing in the sandbox (not committed, or generated)',
    setting: 'sandbox.include: ["FILE"] or sandbox.setup: "COMMAND"',
  },
  { pattern: /EROFS|read-only file system/i, what: 'the tests write where the sandbox is read-only', setting: 'sandbox.setup: "COMMAND"' },
  { pattern: /not a git repository/i, what: 'the tests call git', setting: 'sandbox.git: synthetic' },
]

/** Said of a suite that could not be started. */
const NO_PROGRAM: Cause = {
  what: 'the program, or the interpreter it names, is a shim or a link into a home that the sandbox does not show',
  setting: 'plan.test: "/PATH/OF/THE/REAL/PROGRAM ARGUMENTS"',
}

/** What a suite's output says about its surroundings, most often said first, at most three. */
export function findCauses(output: string): Cause[] {
  const times = ({ pattern }: { pattern: RegExp }): number => [...output.matchAll(new RegExp(pattern, `${pattern.flags}g`))].length
  return CAUSES.map((cause) => ({ cause, count: times(cause) }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count)
    .slice(0, 3)
    .map(({ cause: { pattern: _pattern, ...cause } }) => cause)
}

/** What most often ails a suite that runs elsewhere, for where its output says less. */
export const USUAL_CAUSES: readonly Cause[] = ['sandbox.services', 'plan.test', 'sandbox.include'].map((setting) => {
  const { what, setting: full } = CAUSES.find((cause) => cause.setting.startsWith(setting))!
  return { what, setting: full }
})

/** Lists files below /out without following links. */
async function listOut(folder: string, at = folder): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
    const path = join(at, entry.name)
    if (entry.isDirectory()) found.push(...(await listOut(folder, path)))
    else if (entry.isFile() && (await lstat(path)).isFile()) found.push(relative(folder, path))
  }
  return found
}

/** Runs one suite of the plan in a sandbox and reads its machine report from outside. */
export async function runSuite(options: {
  sandbox: Sandbox
  entry: PlanEntry
  selection?: RunSelection
  timeoutMs?: number
  measuring?: boolean
  signal?: AbortSignal
  /** How many tests the report tells of, once it is read. */
  onTests?: (count: number) => void
}): Promise<SuiteRun> {
  const { sandbox, entry, selection = {} } = options
  const runner = runnerOf(entry.runner)
  const built = runner.command(entry, selection)
  await sandbox.clearOut()
  for (const [name, text] of Object.entries(built.helpers ?? {})) {
    const path = join(sandbox.out, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  const result: JailResult = await sandbox.run({
    command: built.command,
    cwd: entry.scope,
    env: { ...entry.env, ...built.env },
    timeoutMs: options.timeoutMs ?? entry.timeoutMs,
    ...(built.reports.length === 0 && { maxOutputBytes: OUTPUT_BYTES }),
    ...(options.measuring && { measuring: true }),
    ...(options.signal && { signal: options.signal }),
  })
  const read = async (name: string): Promise<Buffer | undefined> => sandbox.readOut(name, REPORT_BYTES)
  const { stdout, stderr } = result
  const report = await runner.parse({
    entry,
    exitCode: result.timedOut || result.outputLimited ? null : result.exitCode,
    stdout,
    stderr,
    read,
    root: sandbox.root,
  })
  options.onTests?.(report.tests.length)
  const coverage = selection.coverage ? await runner.coverage?.(read, () => listOut(sandbox.out), sandbox.root, entry) : undefined
  const failed = report.tests.some(({ status }) => status === 'fail' || status === 'error')
  const output = `${stdout}\n${stderr}\n${failed ? report.tests.map(({ message = '' }) => message).join('\n') : ''}`
  const unrun =
    result.exitCode !== 0 && refusesToCompile(output)
      ? 'compile'
      : report.tests.length === 0 && (result.exitCode === 126 || result.exitCode === 127)
        ? 'start'
        : null
  return {
    entryId: entry.id,
    report,
    coverage,
    cpuMs: result.leftovers ? null : result.cpuMs,
    wallMs: result.wallMs,
    timedOut: result.timedOut,
    outputLimited: result.outputLimited,
    leftovers: result.leftovers,
    unrun,
    limit: result.limit ?? null,
    tail: `${stdout.slice(-TAIL)}${stderr.slice(-TAIL)}`.trim(),
    causes: failed || !report.complete ? [...(unrun === 'start' ? [NO_PROGRAM] : []), ...findCauses(output)] : [],
  }
}

export type StepRun = {
  stepId: string
  /** null: no answer, because it did not end in time or its program is not there. */
  exitCode: number | null
  /** Places a diagnostic points at: path relative to the scope and line. */ places: { file: string; line: number }[]
  diagnostics: number
  tail: string
  wallMs: number
}

type Complaint = { file: string; line: number; text: string }

/** What a tool complains about: ESLint's JSON, GitHub annotations, or lines that start with `file:line` or `file(line`. */
function readComplaints(output: string, root: string, scope: string): { found: Complaint[]; json: boolean } {
  const json = /^\[\{"filePath".*\]$/m.exec(output)
  if (json) {
    const found = asArray(parseJson(json[0])).flatMap((item) => {
      const file = relativeToScope(relativeToTop(asText(asRecord(item)['filePath']), root, scope), scope)
      return asArray(asRecord(item)['messages'])
        .map(asRecord)
        .map((message) => ({
          file,
          line: asNumber(message['line']) ?? 0,
          text: `${asText(message['message'])} (${asText(message['ruleId'])})`,
        }))
    })
    return { found, json: true }
  }
  const annotations = [...output.matchAll(/^::(?:error|warning|notice) .*?file=([^,]+),line=(\d+)(.*)/gm)]
  const lines = annotations.length > 0 ? annotations : [...output.matchAll(/^\s*(?:error\S*\s+)?([\w@./\\ -]+\.\w+)[(:](\d+)[,:)](.*)/gm)]
  return { found: lines.map(([, file, line, text]) => ({ file: file!.trim(), line: Number(line), text: text ?? '' })), json: false }
}

/** Runs a build, type check or lint command; its diagnostics are counted by the places they name. */
export async function runStep(options: { sandbox: Sandbox; step: CommandStep; signal?: AbortSignal }): Promise<StepRun> {
  const { sandbox, step } = options
  const result = await sandbox.run({
    command: step.command,
    cwd: step.scope,
    env: { ...step.env },
    timeoutMs: step.timeoutMs,
    maxOutputBytes: OUTPUT_BYTES,
    ...(options.signal && { signal: options.signal }),
  })
  const output = `${result.stdout}\n${result.stderr}`
  const { found, json } = readComplaints(output, sandbox.root, step.scope)
  const readable = json ? found.map(({ file, line, text }) => `${file}:${line}: ${text}`).join('\n') : output
  const missing = result.exitCode === 126 || result.exitCode === 127 || /No module named '?(?:mypy|ruff)'?\s*$/m.test(output)
  return {
    stepId: step.id,
    exitCode: result.timedOut || missing ? null : result.exitCode,
    places: found.map(({ file, line }) => ({ file, line })),
    diagnostics: found.length,
    tail: readable.slice(-TAIL).trim(),
    wallMs: result.wallMs,
  }
}
