import type { CallContext } from '../provider.ts'

export type StopReason = 'timeout_headers' | 'timeout_idle' | 'timeout_total' | 'cancelled'

/** What ends a call from our side. */
export class CallStopped extends Error {
  readonly reason: StopReason

  constructor(reason: StopReason) {
    super(reason)
    this.name = 'CallStopped'
    this.reason = reason
  }
}

export type Clocks = {
  /** Fresh for this attempt: the SDKs leave listeners on the signals they get. */
  readonly signal: AbortSignal
  /** The headers are there: from here on the idle clock runs. */
  headers(): void
  /** An event with content: the idle clock starts again. */
  content(): void
  /** Why the call was ended from our side. */
  stopped(): StopReason | null
  /** Rejects with CallStopped at once, also where the other side does not look at the signal. One promise at a time. */
  race<T>(promise: Promise<T>): Promise<T>
  /** Ends all clocks and leaves the caller's signal. */
  end(): void
}

/**
 * The three clocks of one attempt, in milliseconds. The SDKs' own time-outs end at the response headers, so a body that stalls would
 * hang for ever; and a keep-alive must not count as life.
 */
export function startClocks({ signal, clocks }: Pick<CallContext, 'signal' | 'clocks'>): Clocks {
  const controller = new AbortController()
  let reason: StopReason | null = null
  let wake: ((error: CallStopped) => void) | undefined
  let phase: NodeJS.Timeout | undefined

  const stop = (why: StopReason) => {
    if (reason) return
    reason = why
    end()
    // first our own reason: some SDKs end quietly when their request is aborted
    wake?.(new CallStopped(why))
    controller.abort()
  }
  const cancel = () => stop('cancelled')
  const total = setTimeout(() => stop('timeout_total'), clocks.totalMs)
  // never beyond the total
  const within = (ms: number, why: StopReason) => (ms < clocks.totalMs ? setTimeout(() => stop(why), ms) : undefined)
  phase = within(clocks.headersMs, 'timeout_headers')
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()

  function end() {
    clearTimeout(total)
    clearTimeout(phase)
    phase = undefined
    signal.removeEventListener('abort', cancel)
  }

  return {
    signal: controller.signal,
    headers() {
      if (reason) return
      clearTimeout(phase)
      phase = within(clocks.idleMs, 'timeout_idle')
    },
    content() {
      phase?.refresh()
    },
    stopped: () => reason,
    race(promise) {
      return new Promise((resolve, reject) => {
        wake = reject
        promise.then(resolve, reject)
        if (reason) reject(new CallStopped(reason))
      })
    },
    end,
  }
}
