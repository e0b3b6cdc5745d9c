import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { SingularityError } from '../../core/kernel/index.ts'

/** Asks on the terminal without showing what is typed. */
export async function askHidden(prompt: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  // the terminal shows nothing any more: only now may a person begin to type
  process.stderr.write(prompt)
  const stop = new AbortController()
  lines.once('SIGINT', () => stop.abort())
  lines.once('close', () => stop.abort())
  try {
    return (await lines.question('', { signal: stop.signal })).trim()
  } catch (error) {
    if (stop.signal.aborted) throw new SingularityError('INTERRUPTED', 'Nothing was typed.')
    throw error
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}

/** A value comes from standard input or from a person, never from the command line: everybody can read that. @throws USAGE */
export async function readSecret(name: string, mayAsk: boolean): Promise<string> {
  if (mayAsk) return askHidden(`${name}: `)
  if (process.stdin.isTTY)
    throw new SingularityError('USAGE', 'The value is read from standard input.', {
      hints: [`printf %s "$VALUE" | singularity secrets set ${name}`],
    })
  return (await text(process.stdin)).trim()
}
