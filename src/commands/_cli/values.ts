import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { SingularityError, messageOf, parseDuration } from '../../core/kernel/index.ts'

/** The text of a file, or of standard input for `-`. A pipe that has nothing yet answers a synchronous read with EAGAIN. */
export async function readText(name: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = name === '-' ? await buffer(process.stdin) : readFileSync(name)
  } catch (error) {
    throw new SingularityError('USAGE', `The file ${name} cannot be read: ${messageOf(error).replace(/, open .*/, '')}.`, { cause: error })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new SingularityError('REQUEST_INVALID', `${name === '-' ? 'The input' : `The file ${name}`} is not UTF-8.`)
  }
}

/** `--timeout 30s` in ms. */
export function durationOf(flag: string, text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new SingularityError('USAGE', `--${flag} ${text} is not a duration.`, { hints: [`--${flag} 30s`] })
  return ms
}

/** `--since 2h` or `--since 2026-05-01` as wall-clock ms; `now`: wall-clock ms. */
export function timeOf(flag: string, text: string, now: number): number {
  const ago = parseDuration(text)
  if (ago !== undefined) return now - ago
  const at = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw new SingularityError('USAGE', `--${flag} ${text} is neither a duration nor a date.`, {
      hints: [`--${flag} 2h`, `--${flag} 2026-05-01`],
    })
  return at
}
