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
  /** Git directories a run must not touch; only `none` has to check, in a jail they are not there. */
  guarded?: readonly string[]
  /** False: never use control groups. */
  controlGroups?: boolean
}
