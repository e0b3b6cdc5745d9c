import { affectedTests, moduleTreeOf } from '../analysis/index.ts'
import type { Session } from './session.ts'

/**
 * The test files that reach changed files of the base, nearest first; with a commit, by its imports too. `complete` is false where
 * others may reach them as well: then the files order and reject, and never accept.
 */
export async function affectedFiles(
  { deps, reader }: Pick<Session, 'deps' | 'reader'>,
  changed: readonly string[],
  tests: readonly string[],
  commit?: string,
): Promise<{ files: string[]; complete: boolean }> {
  const candidate = commit === undefined ? undefined : moduleTreeOf(deps.git.reader(await deps.git.treeOf(commit)))
  const answer = await affectedTests(deps.graphs, moduleTreeOf(reader), { paths: changed, tests, ...(candidate && { candidate }) })
  return { files: answer.tests.map(({ path }) => path), complete: answer.complete }
}
