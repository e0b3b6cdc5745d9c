import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

export type ProcessRequest = {
  command: string
  args: readonly string[]
  cwd: string
  /** The whole environment: nothing is inherited. */
  env: Readonly<Record<string, string>>
  input?: string | Uint8Array
  timeoutMs?: number
  /** Output beyond this many bytes per stream ends the process (`outputLimited`). Default 64 MiB. */
  maxOutputBytes?: number
  signal?: AbortSignal
  /** Extra descriptors from 3 on, inherited as they are. */
  inherit?: readonly number[]
  /** Called with each chunk as it arrives. */
  onOutput?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void
}

export type ProcessResult = {
  exitCode: number | null
  signal: string | null
  stdout: Buffer
  stderr: Buffer
  timedOut: boolean
  outputLimited: boolean
  cancelled: boolean
  /** Set when the program could not be started at all (ENOENT, EACCES). */
  startError: string | null
  wallMs: number
}

export type RunningProcess = { pid: number | undefined; result: Promise<ProcessResult> }

const DEFAULT_MAX_OUTPUT = 64 * 1024 * 1024

/**
 * Starts a program in a process group of its own. When it is cancelled, times out or prints too much, the whole group
 * is killed, so that no grandchild outlives the call. Never throws for an exit code or a program that cannot be started.
 * On Node's own module: a wrapper library took a third of an empty process to load, in commands that ask git three things.
 */
export function startProcess(request: ProcessRequest): RunningProcess {
  const started = performance.now()
  const limit = request.maxOutputBytes ?? DEFAULT_MAX_OUTPUT
  const options: SpawnOptions = {
    cwd: request.cwd,
    env: { ...request.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(request.inherit ?? [])],
  }
  let child: ChildProcess
  try {
    child = spawn(request.command, request.args, options)
  } catch (error) {
    // some refusals of the system (arguments too long) are thrown, others are an event
    return { pid: undefined, result: Promise.resolve(notStarted(error, performance.now() - started)) }
  }
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const sizes = { stdout: 0, stderr: 0 }
  let ended: 'timeout' | 'output' | 'cancel' | undefined

  const killGroup = (reason: typeof ended): void => {
    ended ??= reason
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      child.kill('SIGKILL')
    }
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Uint8Array) => {
      if (sizes[name] >= limit) return
      sizes[name] += chunk.byteLength
      chunks[name].push(chunk)
      request.onOutput?.(name, chunk)
      if (sizes[name] >= limit) killGroup('output')
    })
  }
  const timer = request.timeoutMs === undefined ? undefined : setTimeout(() => killGroup('timeout'), request.timeoutMs)
  const onAbort = (): void => killGroup('cancel')
  if (request.signal?.aborted) onAbort()
  else request.signal?.addEventListener('abort', onAbort, { once: true })
  child.stdin?.on('error', () => {}) // the program may close its input early
  child.stdin?.end(request.input)

  const result = new Promise<ProcessResult>((resolve) => {
    const settle = (outcome: ProcessResult): void => {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', onAbort)
      resolve(outcome)
    }
    child.on('error', (error) => {
      if (child.pid === undefined) settle(notStarted(error, performance.now() - started)) // `close` may never come
    })
    child.once('close', (exitCode, signal) => {
      if (child.pid === undefined) return
      settle({
        exitCode,
        signal,
        stdout: Buffer.concat(chunks.stdout).subarray(0, limit),
        stderr: Buffer.concat(chunks.stderr).subarray(0, limit),
        timedOut: ended === 'timeout',
        outputLimited: ended === 'output',
        cancelled: ended === 'cancel',
        startError: null,
        wallMs: performance.now() - started,
      })
    })
  })
  return { pid: child.pid, result }
}

function notStarted(error: unknown, wallMs: number): ProcessResult {
  const { code, message } = (error ?? {}) as { code?: string; message?: string }
  const nothing = { exitCode: null, signal: null, timedOut: false, outputLimited: false, cancelled: false, wallMs }
  return { ...nothing, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), startError: `${code ?? ''} ${message ?? 'cannot start'}`.trim() }
}

/**
 * `startProcess`, awaited. Ctrl-C on a terminal reaches a child that has not left our process group yet, between its fork
 * and the start of the program: it never ran, so it is started once more.
 */
export async function runProcess(request: ProcessRequest): Promise<ProcessResult> {
  const result = await startProcess(request).result
  const neverRan = result.signal === 'SIGINT' && !result.cancelled && result.stdout.length + result.stderr.length === 0
  return neverRan && request.signal?.aborted !== true ? startProcess(request).result : result
}
