import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { createUnframer, frame } from './frames.ts'

export type PeerRequest = {
  command: string
  args: readonly string[]
  cwd: string
  /** The whole environment: nothing is inherited. */
  env: Readonly<Record<string, string>>
}

/** Why a peer did not answer: it was too late, ended by itself, or never ran. */
export class PeerFailure extends Error {
  readonly reason: 'timeout' | 'ended' | 'start'
  readonly signal: string | null
  readonly exitCode: number | null
  /** The end of what it wrote to standard error. */
  readonly said: string

  constructor(reason: PeerFailure['reason'], { signal = null, exitCode = null, said = '' }: Partial<PeerFailure> = {}) {
    super(`the process ${reason === 'ended' ? `ended (${signal ?? exitCode})` : reason}`)
    this.name = 'PeerFailure'
    this.reason = reason
    this.signal = signal
    this.exitCode = exitCode
    this.said = said
  }
}

/** A process that answers one message at a time, for as long as both live. */
export type Peer = {
  /** @throws PeerFailure; the process is gone then */
  ask(message: Uint8Array, timeoutMs: number): Promise<Uint8Array>
  close(): void
}

const MOST_SAID = 4000

/**
 * Starts a program that reads messages on standard input and answers on descriptor 3 (a length of four bytes, then so many): what a
 * library prints by itself disturbs neither. It runs in a group of its own, which is killed when it is late.
 */
export function startPeer(request: PeerRequest): Peer {
  let child: ChildProcess | undefined
  let said = ''
  let failure: PeerFailure | undefined
  let waiting: { resolve: (answer: Uint8Array) => void; reject: (error: PeerFailure) => void } | undefined
  const unframer = createUnframer()

  const fail = (error: PeerFailure): void => {
    failure ??= error
    waiting?.reject(failure)
    waiting = undefined
  }
  function close(): void {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      child.kill('SIGKILL')
    }
  }

  function start(): ChildProcess {
    const started = spawn(request.command, request.args, {
      cwd: request.cwd,
      env: { ...request.env },
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    })
    started.stdin!.on('error', () => {}) // told by its end
    started.stderr!.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-MOST_SAID)))
    ;(started.stdio[3] as Readable).on('data', (chunk: Buffer) => {
      for (const answer of unframer.add(chunk)) {
        waiting?.resolve(answer)
        waiting = undefined
      }
    })
    started.on('error', (error) => fail(new PeerFailure('start', { said: error.message })))
    started.on('close', (exitCode, signal) => fail(new PeerFailure('ended', { exitCode, signal, said })))
    return started
  }

  return {
    async ask(message, timeoutMs) {
      child ??= start()
      if (failure) throw failure
      const timer = setTimeout(() => {
        fail(new PeerFailure('timeout', { said }))
        close()
      }, timeoutMs)
      try {
        return await new Promise<Uint8Array>((resolve, reject) => {
          waiting = { resolve, reject }
          child!.stdin!.write(frame(message))
        })
      } finally {
        clearTimeout(timer)
      }
    },
    close,
  }
}
