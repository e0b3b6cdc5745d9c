import type { Git } from '../git/index.ts'
import type { Artifact, Past, ScoreWeights } from './artifact.ts'
import type { FactReader } from './fact-reader.ts'
import type { VectorSpace } from './vector-space.ts'

export type SearchDeps = {
  git: Git
  /** Where the files of the index lie: `.git/singularity`. */
  folder: string
  reader: FactReader
  now: () => number
  monotonic: () => number
  /** Repo-relative folders of ours that are never indexed, each with a `/` at its end. */
  exclude: readonly string[]
  /** This worktree is a sandbox of ours: it is searched by text and never indexed. */
  sandbox?: boolean
  /** The model, loaded when it is first needed; without it the search is by words. */
  space?: (() => Promise<VectorSpace>) | undefined
  /** Another space the index still has vectors of, where its model can be used: it answers until those of `space` are made. */
  reopen?: ((id: string) => Promise<VectorSpace | undefined>) | undefined
  /** Pieces less similar than this are not found by their meaning; 0.7. */
  floor?: number
  /** Longest time a search waits for git and for changed files; 300 ms. */
  patienceMs?: number
  /** What is known besides the documents of the worktree, for `--kind knowledge`. */
  artifacts?: () => Promise<readonly Artifact[]>
  /** The seeds' weights where they are left out. */
  weights?: () => Promise<ScoreWeights>
  /** How much the past of its file may raise or lower a piece of code, and that past by path; asked for once per process. */
  codePast?: () => Promise<{ most: number; byPath: ReadonlyMap<string, Past> } | undefined>
  /** Generated, vendored and huge files that are searched all the same: globs, read for every listing. */
  include?: () => Promise<readonly string[]>
}
