import type { RunEvent } from '../../core/improvement/index.ts'
import { createProgress } from './progress.ts'

export type Watched = {
  observe: (event: RunEvent) => void
  /** Aborted at once: by the second Ctrl-C or SIGTERM. */
  hard: AbortSignal
  /** Aborted by the first Ctrl-C: finish what runs, start nothing new. */
  soft: AbortSignal
  ended: { by: 'SIGINT' | 'SIGTERM' | null }
  /** Keeps the progress off the terminal while somebody types there. */
  aside: <R>(body: () => Promise<R>) => Promise<R>
}

/** Shows the progress of long work and lets Ctrl-C and SIGTERM stop it. `polite`: one Ctrl-C asks, the second one stops. */
export async function watchWork<T>(
  flags: { quiet?: boolean | undefined; json?: boolean | undefined },
  { polite }: { polite: boolean },
  work: (watched: Watched) => Promise<T>,
): Promise<T> {
  const progress = createProgress({
    silent: flags.quiet === true || flags.json === true,
    live: process.stderr.isTTY === true && !flags.json && !process.env['CI'],
  })
  const [hard, soft] = [new AbortController(), new AbortController()]
  const ended: Watched['ended'] = { by: null }
  const onInterrupt = (): void => {
    if (ended.by !== null || !polite) hard.abort()
    ended.by ??= 'SIGINT'
    soft.abort()
    if (polite) progress.note('Stopping: what is decided is kept. Once more stops at once.')
  }
  const onTerminate = (): void => {
    ended.by = 'SIGTERM'
    hard.abort()
  }
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  try {
    return await work({ observe: progress.observe, hard: hard.signal, soft: soft.signal, ended, aside: progress.aside })
  } finally {
    progress.end()
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onTerminate)
  }
}
