/** What every isolation needs to know; nothing of it is read from the environment by the core. */
export type IsolationDeps = {
  /** Where programs are looked for (bwrap, unshare, mount, cp). */
  path: string
  /** native/build/launcher, or null where it was not built. */
  launcher: string | null
  /** A folder of ours: probe cache, report files, temporary homes. */
  stateDir: string
  uid: number
  gid: number
  /** What a run must not touch; only `none` has to check, in a jail it is not there. */
  guarded?: Guarded
  /** False: never use control groups. */
  controlGroups?: boolean
}

export type Guarded = {
  /** The common git directory, and the own one of a linked worktree. */
  gitDirs: readonly string[]
  /** The user's checkout. */
  workTree?: string
}
