import type { ErrorKind } from './errors.ts'

export type CatalogEntry = { kind: ErrorKind; title: string; hints?: readonly string[] }

/** The error catalog: docs/errors.md is generated from it, and a test asserts that each code is used. */
export const CATALOG = {
  INTERNAL: { kind: 'bug', title: 'A bug in singularity', hints: ['Please report it with the log file named above.'] },
  USAGE: { kind: 'usage', title: 'The command line is not understood' },
  NOT_FOUND: { kind: 'usage', title: 'No run, candidate or approval has this id', hints: ['singularity runs'] },
  CONFIG_INVALID: { kind: 'usage', title: 'A setting is not valid', hints: ['singularity config list --origin'] },
  STATE_CONFLICT: { kind: 'conflict', title: 'The candidate is not in a state that allows this' },
  INTERRUPTED: { kind: 'signal', title: 'Stopped by a signal' },
  LIMIT_REACHED: { kind: 'limit', title: 'A time or count limit was reached' },
  PERSON_NEEDED: { kind: 'person', title: 'A person has to decide', hints: ['singularity inbox'] },
  GIT_MISSING: { kind: 'environment', title: 'git 2.38 or later is needed', hints: ['singularity doctor'] },
  GIT_FAILED: { kind: 'environment', title: 'git refused' },
  NOT_A_REPOSITORY: { kind: 'environment', title: 'Not inside a git repository', hints: ['git init'] },
  NO_COMMIT: { kind: 'environment', title: 'The repository has no commit yet', hints: ['git commit'] },
  BARE_REPOSITORY: { kind: 'environment', title: 'A bare repository has no files to improve' },
  WRONG_OWNER: { kind: 'environment', title: 'The repository belongs to another user' },
  IDENTITY_MISSING: {
    kind: 'environment',
    title: 'git does not know who you are',
    hints: ['git config user.name "Your Name"', 'git config user.email you@example.org'],
  },
  REPOSITORY_BUSY: { kind: 'environment', title: 'A merge, rebase or similar is in progress' },
  REPOSITORY_LOCKED: { kind: 'environment', title: 'Another git process holds a lock' },
  STATE_NEWER: { kind: 'environment', title: 'The state was written by a newer version' },
  STATE_UNUSABLE: { kind: 'environment', title: 'The state folder cannot be used' },
  DISK_FULL: { kind: 'environment', title: 'No space left on the disk' },
  READ_ONLY: { kind: 'environment', title: 'The file system is read-only' },
  ISOLATION_MISSING: { kind: 'environment', title: 'No isolation is available', hints: ['singularity doctor'] },
  ISOLATION_BREACHED: { kind: 'environment', title: 'A command reached outside its sandbox', hints: ['singularity doctor'] },
  NO_TESTS: { kind: 'environment', title: 'No test command was found', hints: ["singularity improve --test 'COMMAND'"] },
  BASELINE_UNUSABLE: { kind: 'environment', title: 'The tests do not run well enough on the unchanged code' },
  RUN_IN_PROGRESS: { kind: 'environment', title: 'Another run is working on this repository', hints: ['singularity runs'] },
  EXEC_FAILED: { kind: 'conflict', title: 'The program of --exec failed, or changed nothing' },
  PATCH_INVALID: { kind: 'usage', title: 'The patch cannot be used' },
  REV_INVALID: { kind: 'usage', title: 'Not a commit of this repository' },
  RULE_INVALID: { kind: 'usage', title: 'A rule is not valid', hints: ['singularity rules test'] },
  TARGET_PROTECTED: { kind: 'person', title: 'The branch is protected', hints: ['singularity improve --propose'] },
  LANDING_REFUSED: { kind: 'conflict', title: 'Landing would overwrite work that is not committed' },
  LANDING_CONFLICT: { kind: 'conflict', title: 'The change does not merge with the branch any more' },
  APPROVAL_VOID: { kind: 'conflict', title: 'The approval no longer matches the change' },
  CHANGE_GONE: { kind: 'conflict', title: 'The change of the candidate was cleaned up by git' },
  RECORD_INVALID: { kind: 'conflict', title: 'The record does not check' },
} as const satisfies Record<string, CatalogEntry>

export type ErrorCode = keyof typeof CATALOG
