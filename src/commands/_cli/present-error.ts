import { SingularityError, messageOf, printable } from '../../core/kernel/index.ts'
import { paint } from './paint.ts'

/** The one door out: sets the exit code and lets buffered output drain. */
export function exitWith(code: number): void {
  process.exitCode = code
}

/** oclif's parser speaks of flags and arguments; anything else that is not ours is a bug. */
function asOurs(error: unknown): SingularityError {
  if (SingularityError.isInstance(error)) return error
  const parser = error as { oclif?: { exit?: number }; parse?: unknown; name?: string }
  if (parser.oclif?.exit !== undefined || parser.parse) {
    const [what, ...more] = messageOf(error)
      .split('\n')
      .filter((line) => !/^See more help/.test(line))
    return new SingularityError('USAGE', printable([what, ...more].join(' ').trim()), { hints: ['singularity help'] })
  }
  return new SingularityError('INTERNAL', messageOf(error), { cause: error })
}

/** Prints an error for people (stderr) or machines (stdout) and answers its exit code. */
export function presentError(thrown: unknown, options: { json: boolean; command: string }): number {
  const error = asOurs(thrown)
  if (options.json) {
    const body = {
      code: error.code,
      kind: error.kind,
      message: error.message,
      hints: error.hints,
      docs: error.docs,
      ...(error.data && { data: error.data }),
    }
    process.stdout.write(`${JSON.stringify({ schema: `singularity.${options.command}/1`, ok: false, error: body })}\n`)
    return error.exitCode
  }
  const lines = [`${paint('red', 'error')} ${paint('dim', error.code)} ${printable(error.message)}`]
  for (const hint of error.hints) lines.push(`  ${paint('cyan', '->')} ${printable(hint)}`)
  if (error.kind === 'bug' && error.cause instanceof Error && error.cause.stack) lines.push(paint('dim', printable(error.cause.stack)))
  process.stderr.write(`${lines.join('\n')}\n`)
  return error.exitCode
}
