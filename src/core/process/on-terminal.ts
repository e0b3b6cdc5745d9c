import { spawn } from 'node:child_process'

/**
 * Hands the terminal to a program until it ends, as git does with an editor: `command` is read by the shell, so that it may hold flags.
 * Answers its exit code; `null` where a signal ended it or it could not be started.
 */
export function runOnTerminal(
  command: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string | undefined>> },
): Promise<number | null> {
  const child = spawn('/bin/sh', ['-c', `${command} "$@"`, command, ...args], { cwd, env, stdio: 'inherit' })
  return new Promise((resolve) => {
    child.on('error', () => resolve(null))
    child.on('close', resolve)
  })
}
