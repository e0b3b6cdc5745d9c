import { type ChildProcess, spawn } from 'node:child_process'
import { type Playground, PROGRAM } from '../cli/playground.ts'

/** A request as one line of JSON. */
export const requestLine = (content = 'Is 7 prime?', more: Record<string, unknown> = {}): string =>
  JSON.stringify({ task_type: 'review', messages: [{ role: 'user', content }], ...more })

export type PlainRun = {
  child: ChildProcess
  done: Promise<{ exitCode: number | null; stdout: string; stderr: string }>
  /** Waits until stdout and stderr together hold the text. */
  sees(text: string | RegExp): Promise<void>
}

/** Runs the built program as a script does: no --json, no terminal. */
export function startPlain(
  place: Playground,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): PlainRun {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: place.root,
    env: { ...place.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => {}) // a program that does not read its input closes it
  child.stdin.end(options.input ?? '')
  const text = { stdout: '', stderr: '' }
  let changed = (): void => {}
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      changed()
    })
  const done = new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => {
      resolve({ exitCode, ...text })
      changed()
    })
  })
  return {
    child,
    done,
    async sees(wanted) {
      for (;;) {
        const all = text.stdout + text.stderr
        if (typeof wanted === 'string' ? all.includes(wanted) : wanted.test(all)) return
        if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before ${String(wanted)}: ${all}`)
        await new Promise<void>((resolve) => (changed = resolve))
      }
    },
  }
}

export const runPlain = (place: Playground, args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) =>
  startPlain(place, args, options).done

/** Puts requests into the queue; answers their ids. */
export async function enqueue(place: Playground, ...lines: string[]): Promise<string[]> {
  const { json, stdout, stderr } = await place.run(['queue', 'enqueue', '-'], { input: lines.join('\n') })
  if (!json.ok) throw new Error(stdout + stderr)
  return (json.data.requests as { id: string }[]).map(({ id }) => id)
}
