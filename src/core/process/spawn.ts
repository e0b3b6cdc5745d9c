import { execa, type Options } from 'execa'

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
 * is killed, so that no grandchild outlives the call. Never throws for an exit code.
 */
export function startProcess(request: ProcessRequest): RunningProcess {
  const started = performance.now()
  const limit = request.maxOutputBytes ?? DEFAULT_MAX_OUTPUT
  const options: Options = {
    cwd: request.cwd,
    env: { ...request.env },
    extendEnv: false,
    encoding: 'buffer',
    reject: false,
    detached: true,
    cleanup: false,
    buffer: false,
    stripFinalNewline: false,
    stdio: ['pipe', 'pipe', 'pipe', ...(request.inherit ?? []).map((fd) => fd as never)],
  }
  const child = execa(request.command, [...request.args], options)
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
  child.stdin?.end(request.input === undefined ? undefined : Buffer.from(request.input as Uint8Array))

  const result = (async (): Promise<ProcessResult> => {
    const outcome = await child
    clearTimeout(timer)
    request.signal?.removeEventListener('abort', onAbort)
    const failed = outcome as { code?: string; originalMessage?: string }
    return {
      exitCode: outcome.exitCode ?? null,
      signal: outcome.signal ?? null,
      stdout: Buffer.concat(chunks.stdout).subarray(0, limit),
      stderr: Buffer.concat(chunks.stderr).subarray(0, limit),
      timedOut: ended === 'timeout',
      outputLimited: ended === 'output',
      cancelled: ended === 'cancel',
      startError: child.pid === undefined ? `${failed.code ?? ''} ${failed.originalMessage ?? 'cannot start'}`.trim() : null,
      wallMs: performance.now() - started,
    }
  })()
  return { pid: child.pid, result }
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
