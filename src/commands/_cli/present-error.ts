import { SingularityError, diskRefusal, jsonLine, messageOf, printable, suggest } from '../../core/kernel/index.ts'
import { paint } from './paint.ts'

/** The one door out: sets the exit code and lets buffered output drain. */
export function exitWith(code: number): void {
  process.exitCode = code
}

/** What was asked for: `command` is its name with dots; `flags` are the names it knows, for a suggestion; `log` the file that tells more. */
export type ErrorPlace = { json: boolean; command: string; flags?: readonly string[]; log?: string | undefined }

/** The parser's sentences in our words; the others can be shown as they are. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/^Nonexistent flags?: (.+)$/, 'There is no flag $1 here.'],
  [/^Flag (--?[\w-]+) expects a value$/, '$1 needs a value.'],
  [/^Parsing (--?[\w-]+)\s+Expected an integer but received: (.*)$/, '$1 takes a whole number, not "$2".'],
  [/^The following error occurred: *(--?[\w-]+)=?.* cannot also be provided when using (--?[\w-]+)$/, '$1 and $2 cannot be used together.'],
  [/^Expected (--?[\w-]+)=(.*) to be one of: (.+)$/, '$1 takes one of $3, not "$2".'],
]

function inOurWords(text: string): string {
  const known = SENTENCES.find(([pattern]) => pattern.test(text))
  return known ? text.replace(...known) : text
}

/** oclif's parser speaks of flags and arguments; anything else that is not ours is a bug. */
export function asOurs(error: unknown, { command, flags = [] }: ErrorPlace): SingularityError {
  if (SingularityError.isInstance(error)) return error
  const refused = diskRefusal(error)
  if (refused) return refused
  const parser = error as { oclif?: { exit?: number }; parse?: unknown }
  if (parser.oclif?.exit !== undefined || parser.parse) {
    const [what, ...more] = messageOf(error)
      .split('\n')
      .filter((line) => !line.startsWith('See more help'))
    const name = command.replaceAll('.', ' ')
    const typed = /^Nonexistent flag: --([\w-]+)/.exec(what ?? '')?.[1]
    const near = typed === undefined ? undefined : suggest(typed, flags)
    const [, flag, value, options] = /^Expected (--[\w-]+)=(.*) to be one of: (.+)$/.exec(what ?? '') ?? []
    const meant = options === undefined ? undefined : suggest(value!, options.split(', '))
    const hints = [
      ...(near === undefined ? [] : [`singularity ${name} --${near}`]),
      ...(meant === undefined ? [] : [`singularity ${name} ${flag} ${meant}`]),
      name === 'help' ? 'singularity help' : `singularity ${name} --help`,
    ]
    return new SingularityError('USAGE', inOurWords(printable([what, ...more].join(' ').replaceAll(/\s+/g, ' ').trim())), { hints })
  }
  return new SingularityError('INTERNAL', messageOf(error), { cause: error })
}

/** Prints an error for people (stderr) or machines (stdout) and answers its exit code. */
export function presentError(thrown: unknown, options: ErrorPlace): number {
  const error = asOurs(thrown, options)
  if (options.json) {
    const body = {
      code: error.code,
      kind: error.kind,
      message: error.message,
      hints: error.hints,
      docs: error.docs,
      ...(error.data && { data: error.data }),
      ...(options.log !== undefined && { log: options.log }),
    }
    process.stdout.write(`${jsonLine({ schema: `singularity.${options.command}/1`, ok: false, error: body })}\n`)
    return error.exitCode
  }
  const lines = [`${paint('red', 'error')} ${paint('dim', error.code)} ${printable(error.message)}`]
  for (const hint of error.hints) lines.push(`  ${paint('cyan', '->')} ${printable(hint)}`)
  if (error.kind === 'bug' && error.cause instanceof Error && error.cause.stack) lines.push(paint('dim', printable(error.cause.stack)))
  if (options.log !== undefined) lines.push(`  log: ${printable(options.log)}`)
  process.stderr.write(`${lines.join('\n')}\n`)
  return error.exitCode
}
