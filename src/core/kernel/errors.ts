import { CATALOG, type CatalogEntry, type ErrorCode } from './catalog.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

/** Who has to act: the person typing, the machine, the provider, the state of things, or us. */
export type ErrorKind = 'usage' | 'environment' | 'provider' | 'conflict' | 'limit' | 'person' | 'undecided' | 'signal' | 'bug'

const EXIT_OF_KIND: Record<ErrorKind, ExitCode> = {
  usage: EXIT.usage,
  environment: EXIT.environment,
  provider: EXIT.provider,
  conflict: EXIT.negative,
  limit: EXIT.limit,
  person: EXIT.personNeeded,
  undecided: EXIT.undecided,
  signal: EXIT.sigint,
  bug: EXIT.bug,
}

export type ErrorDetails = {
  /** What would make it work; the first line should be a command to copy. */
  hints?: readonly string[]
  cause?: unknown
  /** Machine-readable extras for `--json`. */
  data?: Record<string, unknown>
}

const MARKER = Symbol.for('singularity.error')

/**
 * Every failure a person may see. `code` is stable and documented in docs/errors.md;
 * `message` says what and why, `hints` say what to do next.
 */
export class SingularityError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly hints: readonly string[]
  readonly docs: string
  readonly exitCode: ExitCode
  readonly data: Record<string, unknown> | undefined
  readonly [MARKER] = true

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SingularityError'
    this.code = code
    const entry: CatalogEntry = CATALOG[code]
    this.kind = entry.kind
    this.hints = details.hints ?? entry.hints ?? []
    this.docs = `docs/errors.md#${code.toLowerCase()}`
    this.exitCode = EXIT_OF_KIND[this.kind]
    this.data = details.data
  }

  /** Survives duplicate copies of this module, which `instanceof` does not. */
  static isInstance(value: unknown): value is SingularityError {
    return typeof value === 'object' && value !== null && MARKER in value
  }
}

/** For code paths that cannot happen: a bug of ours, exit 70. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new SingularityError('INTERNAL', message)
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL'])
const SEALED = new Set(['EROFS', 'EACCES'])

/** What the disk refuses is the machine's state, not a bug: DISK_FULL or READ_ONLY, `undefined` for everything else. */
export function diskRefusal(error: unknown, path?: string): SingularityError | undefined {
  const { code, syscall, path: own } = error as { code?: unknown; syscall?: string; path?: string }
  // an AbortError has a number as its code
  if (SingularityError.isInstance(error) || typeof code !== 'string' || syscall?.startsWith('spawn')) return undefined
  const place = path ?? own ?? 'a file'
  if (FULL.has(code))
    return new SingularityError('DISK_FULL', `No space left for ${place}.`, {
      cause: error,
      hints: [`df -h '${place}'`, 'singularity doctor --fix'],
    })
  // Node answers ENOENT where a folder and its parents cannot be made on a read-only file system.
  if (SEALED.has(code) || code.startsWith('SQLITE_READONLY') || (code === 'ENOENT' && syscall === 'mkdir'))
    return new SingularityError('READ_ONLY', `${place} cannot be written (${messageOf(error)}).`, {
      cause: error,
      hints: ['singularity doctor'],
    })
  return undefined
}

/** A readable one-line message for anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
