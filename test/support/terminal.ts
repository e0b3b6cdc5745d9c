import { spawn } from 'node:child_process'
import { expect, vi } from 'vitest'
import { PROGRAM, type Playground } from '../cli/playground.ts'
import { hasProgram } from './toolchain.ts'

/** Opens a pseudo-terminal; part of util-linux. */
export const hasTerminal = process.platform === 'linux' && hasProgram('script')

export type Terminal = {
  /** Waits until the text was printed after what was seen last. */
  sees(text: string | RegExp): Promise<void>
  /** What a person types; Ctrl-C is \u0003. */
  type(text: string): void
  /** Everything printed so far, as the terminal got it. */
  raw(): string
  /** The same without colours and cursor movements. */
  text(): string
  /** The exit code, once it has ended. */
  done: Promise<number | null>
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** Runs the built program on a real terminal of that size. */
export function openTerminal(
  place: Playground,
  args: readonly string[],
  options: { columns?: number; env?: Record<string, string> } = {},
): Terminal {
  const { columns = 100, env = {} } = options
  const command = `stty cols ${columns} rows 40; exec ${[process.execPath, PROGRAM, ...args].map(quote).join(' ')}`
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: place.root,
    env: { ...place.env, TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let raw = ''
  let seen = 0
  child.stdout.on('data', (chunk: Buffer) => (raw += chunk.toString('utf8')))
  // oxlint-disable-next-line no-control-regex -- what drives a terminal is taken out
  const text = (): string => raw.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r\n', '\n')
  return {
    raw: () => raw,
    text,
    type: (typed) => void child.stdin.write(typed),
    sees: (wanted) =>
      vi.waitFor(
        () => {
          const rest = text().slice(seen)
          const at = typeof wanted === 'string' ? rest.indexOf(wanted) : rest.search(wanted)
          expect(at, `${String(wanted)} in ${rest}`).toBeGreaterThan(-1)
          seen += at + 1
        },
        { timeout: 60_000, interval: 30 },
      ),
    done: new Promise((resolve) => child.on('close', (code) => resolve(code))),
  }
}
