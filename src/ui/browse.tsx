import { render } from 'ink'
import { EXIT } from '../core/kernel/index.ts'
import { BrowseScreen, type BrowseProps, type Chosen } from './browse-screen.tsx'

/** Mounts the search; only called on a real terminal. Resolves with what was chosen, if anything was, and the exit code. */
export async function openBrowse(
  props: Omit<BrowseProps, 'onChosen' | 'onInterrupt'>,
): Promise<{ chosen: Chosen | null; exitCode: number }> {
  let chosen: Chosen | null = null
  let exitCode: number = EXIT.done
  const screen = render(<BrowseScreen {...props} onChosen={(one) => (chosen = one)} onInterrupt={() => (exitCode = EXIT.sigint)} />, {
    exitOnCtrlC: false,
  })
  await screen.waitUntilExit()
  screen.clear()
  return { chosen, exitCode }
}
