/** Where a repository's parts are. All paths are absolute and free of symbolic links. */
export type Repository = {
  /** The top of the working tree the user stands in. */
  root: string
  /** The git directory of that working tree (differs from `commonDir` in a linked worktree). */
  gitDir: string
  /** The git directory shared by all worktrees; machine state lives in `<commonDir>/singularity`. */
  commonDir: string
  objectFormat: 'sha1' | 'sha256'
  /** The folder the user stands in, relative to `root`, '' at the top (I20). */
  prefix: string
  shallow: boolean
}
