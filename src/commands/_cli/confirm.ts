import { createInterface } from 'node:readline/promises'
import { SingularityError, oneLine } from '../../core/kernel/index.ts'

/** A yes or no on the terminal; the end of the input is a no. @throws INTERRUPTED on Ctrl-C */
export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const [stop, ended] = [new AbortController(), new AbortController()]
  lines.once('SIGINT', () => stop.abort())
  lines.once('close', () => ended.abort())
  try {
    return /^y(es)?$/i.test(
      (await lines.question(`${oneLine(question)} [y]es, [n]o: `, { signal: AbortSignal.any([stop.signal, ended.signal]) })).trim(),
    )
  } catch (error) {
    if (stop.signal.aborted) throw new SingularityError('INTERRUPTED', 'Nothing was written.')
    if (ended.signal.aborted) return false
    throw error
  } finally {
    lines.close()
  }
}
