import type { RunnerId, TestStatus } from '../../../src/core/validation/index.ts'
import type { FileContent } from '../repository.ts'

type Files = Record<string, FileContent>

/** What one adapter has to show on its real runner. Every variant replaces `suite` and keeps `files`. */
export type RunnerCase = {
  name: string
  runner: RunnerId
  /** The program that has to be installed on the machine; node_modules comes from the toolchain. */
  tool: string
  modules?: boolean
  /** Manifests, configuration and sources. */
  files: Files
  /** Passing, failing, skipped and to-do tests, duplicate names. */
  suite: Files
  statuses: Record<string, TestStatus>
  /** Cannot name tests: only pass or fail as a whole. */
  coarse?: boolean
  /** Pointing the runner at these files gives exactly these tests. */
  selection?: { files: string[]; ids: string[] }
  /** Lines of one file that ran and that did not. `green` replaces the suite where it must not fail. */
  coverage?: { file: string; executed: number[]; not: number[] }
  /** A file that dies while it is loaded, beside a healthy one: the tests that must be there, and whether the report may be complete. */
  dies?: { suite: Files; error?: string; healthy?: string } | undefined
  /** exit(0) in the middle of the suite. */
  exits?: Files
  /** One test that never ends. */
  hangs?: Files
  /** No test at all. */
  empty?: Files
  test?: string
}
