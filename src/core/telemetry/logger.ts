import { appendFileSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Clock, isoTime, makeFolder } from '../kernel/index.ts'
import { redact, redactText } from './redact.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export type Logger = Readonly<Record<LogLevel, (message: string, data?: unknown) => void>> & {
  /** The file that is written to now. */
  readonly path: string
}

export type LoggerOptions = {
  /** Folder of the log files. */
  folder: string
  /** One file per part of the program ('cli', 'worker'). */
  part: string
  level: LogLevel
  clock: Clock
  pid: number
  maxBytes?: number
  /** How many full files are kept beside the current one. */
  keep?: number
}

const MAX_BYTES = 1_000_000
const KEEP = 3

/**
 * A log file of JSON lines, one write per line so that several processes may share it, rotated by size. Logging never
 * fails a command: on a full or read-only disk nothing is written.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { folder, part, clock, pid } = options
  const path = join(folder, `${part}.log`)
  const least = LOG_LEVELS.indexOf(options.level)
  const write = (level: LogLevel, message: string, data?: unknown): void => {
    if (LOG_LEVELS.indexOf(level) < least) return
    const line = { at: isoTime(clock), level, pid, message: redactText(message), ...(data !== undefined && { data: redact(data) }) }
    try {
      rotate(path, options.maxBytes ?? MAX_BYTES, options.keep ?? KEEP)
      appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 })
    } catch {
      // nobody to tell
    }
  }
  const at = (level: LogLevel) => (message: string, data?: unknown) => write(level, message, data)
  return { path, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** `cli.log` becomes `cli.log.1`, that one `cli.log.2`, ...; the last one is overwritten. */
function rotate(path: string, maxBytes: number, keep: number): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) {
    makeFolder(dirname(path))
    return
  }
  if (size < maxBytes) return
  for (let number = keep - 1; number >= 0; number--) {
    const from = number === 0 ? path : `${path}.${number}`
    if (statSync(from, { throwIfNoEntry: false })) renameSync(from, `${path}.${number + 1}`)
  }
}
