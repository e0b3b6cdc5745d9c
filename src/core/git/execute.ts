import { SingularityError, printable } from '../kernel/index.ts'
import { runProcess, type ProcessRequest, type ProcessResult } from '../process/index.ts'
import { HARDENING } from './environment.ts'
import type { GitOutput } from './git.ts'

const DEFAULT_TIMEOUT_MS = 120_000

export type Execution = {
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  input?: string | Uint8Array | undefined
  accept?: readonly number[] | undefined
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /** False for reading settings: the hardening flags would hide the user's own values. */
  hardened?: boolean
}

/**
 * Runs git with the hardening flags.
 * @throws GIT_MISSING, REPOSITORY_LOCKED, WRONG_OWNER, DISK_FULL, READ_ONLY, INTERRUPTED or GIT_FAILED for an exit code
 * that was not accepted.
 */
export async function executeGit(execution: Execution): Promise<GitOutput> {
  const request: ProcessRequest = {
    command: 'git',
    args: execution.hardened === false ? execution.args : [...HARDENING, ...execution.args],
    cwd: execution.cwd,
    env: execution.env,
    timeoutMs: execution.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxOutputBytes: 512 * 1024 * 1024,
  }
  if (execution.input !== undefined) request.input = execution.input
  if (execution.signal !== undefined) request.signal = execution.signal
  const result = await runProcess(request)
  const stderr = result.stderr.toString('utf8')
  if (result.exitCode !== null && !result.outputLimited && (execution.accept ?? [0]).includes(result.exitCode))
    return output(result.exitCode, result.stdout, stderr)
  throw failure(execution, result, stderr)
}

function output(exitCode: number, stdout: Buffer, stderr: string): GitOutput {
  return {
    exitCode,
    stdout,
    stderr,
    get text() {
      return stdout.toString('utf8')
    },
  }
}

const MEANINGS: readonly [RegExp, 'REPOSITORY_LOCKED' | 'WRONG_OWNER' | 'DISK_FULL' | 'READ_ONLY' | 'NOT_A_REPOSITORY', string][] = [
  [
    /Unable to create '.*\.lock': File exists|could not lock config file .*: File exists/,
    'REPOSITORY_LOCKED',
    'Another git process holds a lock',
  ],
  [/dubious ownership/, 'WRONG_OWNER', 'The repository belongs to another user'],
  [/No space left on device|Out of diskspace|Disk quota exceeded/, 'DISK_FULL', 'No space left for git to write'],
  [/Read-only file system/, 'READ_ONLY', 'git cannot write here'],
  [/not a git repository/, 'NOT_A_REPOSITORY', 'Not inside a git repository'],
]

function failure(execution: Execution, result: ProcessResult, stderr: string): SingularityError {
  if (result.startError !== null && result.startError.startsWith('ENOENT'))
    return new SingularityError('GIT_MISSING', 'git was not found on the PATH, or the folder is gone.', {
      data: { detail: result.startError },
    })
  if (result.cancelled) return new SingularityError('INTERRUPTED', 'git was stopped.')
  const name = execution.args.find((argument) => !argument.startsWith('-')) ?? ''
  const detail = printable(stderr).trim()
  const data = { command: ['git', ...execution.args], exit: result.exitCode, stderr: detail }
  if (result.timedOut)
    return new SingularityError('GIT_FAILED', `git ${name} did not answer in time.`, { data: { ...data, timedOut: true } })
  for (const [pattern, code, title] of MEANINGS)
    if (pattern.test(stderr)) return new SingularityError(code, `${title}: ${detail}`, { data, hints: hintsOf(code, stderr) })
  const reason = detail || result.startError || `exit ${result.exitCode ?? result.signal}`
  return new SingularityError('GIT_FAILED', `git ${name} failed: ${reason}`, { data })
}

function hintsOf(code: string, stderr: string): string[] {
  const lock = /'([^']+\.lock)'/.exec(stderr)?.[1]
  if (code === 'REPOSITORY_LOCKED' && lock) return [`Wait for the other git command; if none runs: rm '${lock}'`]
  const owner = /git config --global --add safe\.directory .*/.exec(stderr)?.[0]
  return owner ? [owner] : ['singularity doctor']
}
