import type { Repository } from './repository.ts'

export type GitOptions = {
  input?: string | Uint8Array
  /** Extra variables on top of the scrubbed environment: GIT_INDEX_FILE, GIT_AUTHOR_*, ... */
  env?: Readonly<Record<string, string>>
  /** Exit codes that are an answer, not a failure. Default [0]. */
  accept?: readonly number[]
  /** A working tree other than the repository's own (a sandbox): always given explicitly, never discovered. */
  workTree?: string
  gitDir?: string
  timeoutMs?: number
  signal?: AbortSignal
}

export type GitOutput = { exitCode: number; stdout: Buffer; stderr: string; text: string }

export type TreeEntry = { path: string; mode: '100644' | '100755' | '120000' | '160000'; oid: string; size: number | null }

/** Reads files of a tree id without a working tree. Paths are relative to the tree's top, with '/'. */
export type TreeReader = {
  readonly tree: string
  entries(): Promise<readonly TreeEntry[]>
  entry(path: string): Promise<TreeEntry | undefined>
  /** `undefined` where the tree has no such file. */
  read(path: string): Promise<Buffer | undefined>
  text(path: string): Promise<string | undefined>
}

/** New content per path; `null` deletes. `mode` defaults to the old mode or 100644. */
export type FileChange = { path: string; content: Uint8Array | null; mode?: '100644' | '100755' | '120000' }

export type ChangedFile = {
  path: string
  oldPath: string | null
  status: 'added' | 'modified' | 'deleted' | 'renamed' | 'type'
  oldMode: string
  newMode: string
  oldOid: string
  newOid: string
}

export type Identity = { name: string; email: string }

export type Worktree = {
  path: string
  head: string | null
  /** Short name ('main'), null when detached. */
  branch: string | null
  bare: boolean
  /** Its own git directory; null where the admin entry cannot be read. */
  gitDir: string | null
}

/** The hardened git wrapper: scrubbed environment, explicit GIT_DIR and GIT_WORK_TREE, hooks and helpers off. */
export type Git = {
  readonly repository: Repository
  run(args: readonly string[], options?: GitOptions): Promise<GitOutput>
  /** The object id of a revision, or `undefined`. */
  resolve(revision: string): Promise<string | undefined>
  treeOf(commit: string): Promise<string>
  reader(treeOrCommit: string): TreeReader
  /** The branch checked out here ('main'), or null when the head is detached. */
  currentBranch(): Promise<string | null>
  /** The repository's identity (user.name, user.email), or `undefined`. */
  identity(): Promise<Identity | undefined>
  config(name: string): Promise<string | undefined>
  /** Writes blobs, a tree and a commit object by plumbing in a temporary index. Moves no ref. */
  commitChanges(options: {
    base: string
    changes: readonly FileChange[]
    message: string
    author?: Identity
    committer?: Identity
  }): Promise<{ commit: string; tree: string }>
  commitTree(options: {
    tree: string
    parents: readonly string[]
    message: string
    author?: Identity
    committer?: Identity
    sign?: boolean
  }): Promise<string>
  /** Applies a `git diff` to a commit's tree in a temporary index. @throws PATCH_INVALID */
  applyPatch(base: string, patch: Uint8Array): Promise<{ tree: string }>
  changedFiles(from: string, to: string): Promise<ChangedFile[]>
  /** The unified diff between two trees or commits. */
  diff(
    from: string,
    to: string,
    options?: { paths?: readonly string[]; color?: boolean; context?: number; binary?: boolean },
  ): Promise<string>
  /** Whether `commit` has `ancestor` in its history; false where one of them does not exist. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>
  /** Three-way merge of commits by `merge-tree --write-tree`. */
  mergeTrees(ours: string, theirs: string): Promise<{ tree: string; conflicts: readonly string[] }>
  /** Moves a ref by compare-and-swap; `old` null means it must not exist. Answers false when the value was another. */
  updateRef(
    ref: string,
    next: string | null,
    old: string | null,
    reason: string,
    options?: { env?: Readonly<Record<string, string>> },
  ): Promise<boolean>
  worktrees(): Promise<Worktree[]>
  close(): void
}
