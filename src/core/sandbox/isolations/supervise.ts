import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson, makeFolder } from '../../kernel/index.ts'
import { startProcess, type ProcessRequest } from '../../process/index.ts'
import type { JailRequest, JailResult } from '../isolation.ts'
import type { ControlGroups } from './control-groups.ts'
import { headAndTail } from './output.ts'

export const REPORT_FD = 3
const DEFAULT_OUTPUT = 1024 * 1024
/** CPU time the control group saw and the launcher did not, beyond which the group's number counts. */
const HIDDEN_CPU_MS = 50

/** What native/launcher.c writes when all is over. */
type LauncherReport = {
  exit: number
  signal: number
  user_us: number
  system_us: number
  maxrss_kb: number
  leftovers: number
  peak: number
  terminated: number
  limit: '' | 'processes' | 'memory'
}

export type Supervision = {
  argv: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  request: JailRequest
  /** Path of the launcher on the host, or null where it was not built. */
  launcher: string | null
  controlGroups: ControlGroups | undefined
  /** A folder of ours, for the report file. */
  stateDir: string
  /** Without a process namespace the launcher needs a moment to kill what left its group. */
  gentleKill?: boolean
}

/** The options of `launcher run` for a request. */
export function launcherOptions(request: JailRequest, isRoot: boolean): string[] {
  const { limits } = request
  const options = ['run', '--report-fd', String(REPORT_FD)]
  const add = (name: string, value: number | undefined): void => {
    if (value !== undefined) options.push(name, String(Math.ceil(value)))
  }
  add('--data', limits.maxMemoryBytes)
  add('--max-rss', limits.maxMemoryBytes)
  add('--fsize', limits.maxFileBytes)
  // RLIMIT_NPROC counts every process of the user on the machine and is ignored for root: the watchdog does the work.
  if (!isRoot && limits.maxProcesses !== undefined) add('--nproc', limits.maxProcesses + 4096)
  add('--max-procs', limits.maxProcesses)
  if (request.lowPriority) options.push('--low')
  return [...options, '--']
}

/** Starts, bounds and measures one jailed run. Kills everything on time-out, flood, cancel and parent death. */
export async function supervise(supervision: Supervision): Promise<JailResult> {
  const { request, launcher } = supervision
  const kept = request.limits.maxOutputBytes ?? DEFAULT_OUTPUT
  const group = launcher === null ? undefined : supervision.controlGroups?.open(request.limits.maxProcesses)
  const report = openReport(supervision.stateDir)
  const argv = group && launcher !== null ? [launcher, 'enter', ...group.join, '--', ...supervision.argv] : supervision.argv
  const timeoutMs = request.limits.timeoutMs
  const starting: ProcessRequest = {
    command: argv[0]!,
    args: argv.slice(1),
    cwd: supervision.cwd,
    env: supervision.env,
    timeoutMs: supervision.gentleKill ? timeoutMs + 5000 : timeoutMs,
    maxOutputBytes: kept * 10,
    inherit: [report.fd],
  }
  const onOutput = request.onOutput
  if (onOutput) starting.onOutput = (stream, chunk) => onOutput(stream, Buffer.from(chunk).toString('utf8'))

  const ended = { timedOut: false, cancelled: false }
  let gentle: NodeJS.Timeout | undefined
  let removeAbort = (): void => {}
  try {
    if (!supervision.gentleKill && request.signal) starting.signal = request.signal
    const running = startProcess(starting)
    if (supervision.gentleKill) {
      // SIGTERM lets the launcher kill the whole tree, also what moved to another session.
      const stop = (reason: 'timedOut' | 'cancelled'): void => {
        ended[reason] = true
        if (running.pid !== undefined) attempt(() => process.kill(running.pid!, 'SIGTERM'))
        if (launcher === null && running.pid !== undefined) attempt(() => process.kill(-running.pid!, 'SIGKILL'))
      }
      gentle = setTimeout(() => stop('timedOut'), timeoutMs)
      const onAbort = (): void => stop('cancelled')
      if (request.signal?.aborted) onAbort()
      else request.signal?.addEventListener('abort', onAbort, { once: true })
      removeAbort = () => request.signal?.removeEventListener('abort', onAbort)
    }
    const result = await running.result
    const found = report.read()
    const used = found && (found.user_us + found.system_us) / 1000
    const grouped = group?.cpuMs() ?? null
    const trustworthy = found !== undefined && found.terminated === 0
    const timedOut = result.timedOut || ended.timedOut
    return {
      exitCode: result.startError !== null ? 127 : found ? (found.signal ? null : found.exit) : result.exitCode,
      signal: found ? (found.signal ? signalName(found.signal) : null) : result.signal,
      timedOut,
      outputLimited: result.outputLimited,
      cancelled: result.cancelled || ended.cancelled,
      stdout: headAndTail(result.stdout, kept),
      stderr: headAndTail(result.startError !== null ? Buffer.from(result.startError) : result.stderr, kept),
      wallMs: result.wallMs,
      cpuMs: timedOut ? null : cpuOf(trustworthy ? used : undefined, grouped),
      maxRssBytes: found ? found.maxrss_kb * 1024 : null,
      leftovers: (found?.leftovers ?? 0) > 0,
      limit: found && found.limit !== '' ? found.limit : null,
    }
  } finally {
    clearTimeout(gentle)
    removeAbort()
    report.close()
    await group?.close()
  }
}

/**
 * The launcher's figure is the exact one (without the jail's own set-up). A process can hide its children from it by
 * ignoring SIGCHLD; where the control group saw clearly more, its figure counts.
 */
function cpuOf(launcherMs: number | undefined, groupMs: number | null): number | null {
  if (launcherMs === undefined) return groupMs
  if (groupMs !== null && groupMs > launcherMs * 1.02 + HIDDEN_CPU_MS) return groupMs
  return launcherMs
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
}

function signalName(number: number): string {
  return SIGNALS[number] ?? `SIG${number}`
}

function openReport(stateDir: string): { fd: number; read(): LauncherReport | undefined; close(): void } {
  makeFolder(stateDir)
  const path = join(stateDir, `report-${randomBytes(8).toString('hex')}`)
  const fd = openSync(path, 'wx+', 0o600)
  unlinkSync(path) // a file without a name: nothing to find, nothing to clean up
  return {
    fd,
    read() {
      const buffer = Buffer.alloc(4096)
      const length = readSync(fd, buffer, 0, buffer.length, 0)
      return parseJson(buffer.subarray(0, length).toString('utf8')) as LauncherReport | undefined
    },
    close: () => closeSync(fd),
  }
}

function attempt(body: () => void): void {
  try {
    body()
  } catch {
    // it has just ended by itself
  }
}
