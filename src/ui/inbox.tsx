import { render } from 'ink'
import type { Actor, ImprovementService } from '../core/improvement/index.ts'
import { InboxScreen } from './inbox-screen.tsx'

/** Mounts the inbox; only called on a real terminal. Resolves when the person quits. */
export async function openInbox(service: ImprovementService, actor: Actor): Promise<void> {
  const screen = render(<InboxScreen service={service} actor={actor} />, { exitOnCtrlC: false })
  await screen.waitUntilExit()
}
