import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../kernel/index.ts'
import { redactSecrets } from '../telemetry/index.ts'
import { ToolFailure } from './failure.ts'

/** What one result may hold: the rest lies in a file the model can read. */
export const MOST_BYTES = 30_000
export const MOST_LINES = 400
/** Names such files in the tool `read`. */
export const OUTPUT_PREFIX = '@output/'
const LONGEST_LINE = 2000

/** Full outputs of one session, below our own state folder; redacted before they are written. */
export type OutputFiles = { keep(text: string): string; read(name: string): string }

export function createOutputFiles(folder: string): OutputFiles {
  let made = 0
  return {
    keep(text) {
      makeFolder(folder)
      for (;;) {
        made += 1
        try {
          writeFileSync(join(folder, `${made}.txt`), text, { flag: 'wx', mode: 0o600 })
          return `${OUTPUT_PREFIX}${made}`
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        }
      }
    },
    read(name) {
      const number = /^@output\/(\d{1,6})$/.exec(name)?.[1]
      try {
        if (number !== undefined) return readFileSync(join(folder, `${number}.txt`), 'utf8')
      } catch {
        // told below: the model asked for one that does not exist
      }
      throw new ToolFailure('NOT_FOUND', `There is no ${name.slice(0, 60)}.`)
    },
  }
}

/** Whether a result was capped, and the whole of it kept. */
export function namesKeptOutput(content: string): boolean {
  return /^\[\.\.\. \d+ of \d+ lines left out; all of it: read @output\/\d+ \.\.\.\]$/m.test(content)
}

/** Head and tail of a text within the caps, with a line in between that says where the rest is. Credentials are taken out first. */
export function capOutput(text: string, keep: (text: string) => string, secrets: readonly string[]): string {
  const clean = redactSecrets(text, secrets)
  const lines = clean.split('\n')
  if (lines.length <= MOST_LINES && Buffer.byteLength(clean) <= MOST_BYTES) return clean
  const name = keep(clean)
  const shown = lines.map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)} [...]` : line))
  const head = takeWithin(shown, MOST_LINES / 2, MOST_BYTES / 2)
  const tail = takeWithin(shown.slice(head.length).toReversed(), MOST_LINES / 2, MOST_BYTES / 2).toReversed()
  const left = lines.length - head.length - tail.length
  return [...head, `[... ${left} of ${lines.length} lines left out; all of it: read ${name} ...]`, ...tail].join('\n')
}

function takeWithin(lines: readonly string[], mostLines: number, mostBytes: number): string[] {
  const taken: string[] = []
  let bytes = 0
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1
    if (taken.length >= mostLines || bytes > mostBytes) break
    taken.push(line)
  }
  return taken
}

/** Marks what a tool printed as data, whatever stands in it: the closing mark cannot be written from inside. */
export function asData(tool: string, text: string): string {
  return `<tool_output tool="${tool}">\n${text.replaceAll(/<(?=\/?tool_output)/gi, '&lt;')}\n</tool_output>`
}
