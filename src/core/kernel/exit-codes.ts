/** The one exit-code table of the program (docs/errors.md is generated from it). */
export const EXIT = {
  done: 0,
  negative: 1,
  usage: 2,
  undecided: 3,
  personNeeded: 4,
  limit: 5,
  environment: 6,
  provider: 7,
  bug: 70,
  sigint: 130,
  sigterm: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Which code wins where several hold: the earlier one. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.sigint,
  EXIT.sigterm,
  EXIT.bug,
  EXIT.usage,
  EXIT.environment,
  EXIT.provider,
  EXIT.limit,
  EXIT.personNeeded,
  EXIT.negative,
  EXIT.undecided,
  EXIT.done,
]

/** Reduces every condition that holds at the end of a command to the one exit code. */
export function strongestExit(codes: Iterable<ExitCode>): ExitCode {
  const held = new Set(codes)
  return PRECEDENCE.find((code) => held.has(code)) ?? EXIT.done
}
