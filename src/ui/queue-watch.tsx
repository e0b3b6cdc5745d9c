import { render } from 'ink'
import { EXIT } from '../core/kernel/index.ts'
import type { QueueService } from '../core/queue/index.ts'
import { QueueWatchScreen } from './queue-watch-screen.tsx'

/** Mounts the live view; only called on a real terminal. Answers the exit code: 0 for q, 130 for Ctrl-C. */
export async function openQueueWatch(queue: QueueService): Promise<number> {
  let code: number = EXIT.done
  const screen = render(<QueueWatchScreen queue={queue} onInterrupt={() => (code = EXIT.sigint)} />, { exitOnCtrlC: false })
  await screen.waitUntilExit()
  return code
}
