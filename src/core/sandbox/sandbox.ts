import type { JailResult, Mount } from './isolation.ts'

export type SandboxPurpose = 'baseline' | 'edit' | 'validate' | 'measure' | 'inspect'

/** A checked-out tree outside the repository in which one commit is executed. */
export type Sandbox = {
  readonly id: string
  /** The tree on the host. Mounted at the repository's own path inside the jail. */
  readonly path: string
  /** A private folder mounted at /out, from which reports are read. */
  readonly out: string
  readonly commit: string
  /** The tree as its commands see it: the repository's own path in a jail, `path` without one. */
  readonly root: string
  /** Brings the tree to another commit (only the differing files are written, everything untracked is removed). */
  moveTo(commit: string): Promise<void>
  /** Runs a command in the jail of this sandbox. */
  run(command: SandboxCommand): Promise<JailResult>
  /** Reads a report safely: a regular file below /out, no links, at most `maxBytes`. */
  readOut(name: string, maxBytes?: number): Promise<Buffer | undefined>
  /** Empties /out. */
  clearOut(): Promise<void>
  /** Every path that differs from the commit after an edit phase; content read without following links. */
  collectChanges(): Promise<readonly { path: string; content: Uint8Array | null; mode: '100644' | '100755' | '120000' }[]>
  discard(): Promise<void>
}

export type SandboxCommand = {
  command: readonly string[]
  /** Relative to the top of the tree; '' is the top. */
  cwd?: string
  env?: Readonly<Record<string, string>>
  timeoutMs: number
  network?: 'none' | 'host'
  /** Additional mounts (the edit phase of --exec: --exec-bind). */
  mounts?: readonly Mount[]
  /** Measuring: normal priority, exclusive. */
  measuring?: boolean
  maxOutputBytes?: number
  signal?: AbortSignal
  onOutput?: (stream: 'stdout' | 'stderr', text: string) => void
}

/** What every sandbox of one run shares: tool chains, dependencies, caches, environment. Equal for both arms. */
export type JailProfile = {
  mounts: readonly Mount[]
  /** PATH inside the jail. */
  path: string
  env: Readonly<Record<string, string>>
  /** Ignored files that are copied into every sandbox (`sandbox.include`), relative paths. */
  include: readonly string[]
  git: SandboxGit
  services: readonly string[]
}

/**
 * Which repository a command finds inside: none, one commit that holds the tree, or (`staged`) a commit of the parent
 * with the sandbox's commit staged on it, as a hook finds it.
 */
export type SandboxGit = 'none' | 'synthetic' | 'staged'

export type SandboxRoom = {
  create(options: { commit: string; purpose: SandboxPurpose; runId?: string; profile: JailProfile }): Promise<Sandbox>
  /** Works out the profile once per run and base commit. `binaries` are the programs the plan calls. */
  profile(options: {
    base: string
    binaries: readonly string[]
    include: readonly string[]
    env: Readonly<Record<string, string>>
    git: SandboxGit
    services: readonly string[]
    /** `overlay` where a suite must write into node_modules. Default `ro`. */
    dependencies?: 'ro' | 'overlay'
  }): Promise<JailProfile>
  /** A digest of what a suite sees beside the commit: included files and installed dependencies as they are now. */
  fingerprint(profile: JailProfile): string
  /** Ids of sandboxes whose process is gone: what `reclaim` would take. */
  leftovers(): string[]
  /** Reclaims what dead processes left: any subset of (directory, git admin entry, row). One query when there is nothing. */
  reclaim(): Promise<{ reclaimed: string[] }>
}
