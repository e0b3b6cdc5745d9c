import type { ChangedFile, Git } from '../git/index.ts'
import type { JournalPath } from './journal.ts'

const NOBODY = { name: 'Singularity', email: 'singularity@localhost' }

export type MergeResult = { tree: string; conflicts: readonly string[] }

/**
 * Merges the step from `base` to `theirs` onto `ours`, whatever the history between them is. `merge-tree` before git 2.40
 * takes no merge base, so both sides become synthetic children of `base`.
 */
export async function mergeStep(git: Git, step: { base: string; theirs: string; ours: string }): Promise<MergeResult> {
  const [base, theirs, ours] = await Promise.all([git.treeOf(step.base), git.treeOf(step.theirs), git.treeOf(step.ours)])
  if (ours === base || ours === theirs) return { tree: theirs, conflicts: [] }
  const child = (tree: string): Promise<string> =>
    git.commitTree({ tree, parents: [step.base], message: 'merge side\n', author: NOBODY, committer: NOBODY })
  const [left, right] = await Promise.all([child(ours), child(theirs)])
  return git.mergeTrees(left, right)
}

const ABSENT = '000000'

/** Every path of a change with what was there and what will be; a rename is a deletion and an addition. */
export function journalPaths(changed: readonly ChangedFile[]): JournalPath[] {
  return changed.flatMap((file): JournalPath[] => {
    const before = { oldMode: file.oldMode, oldOid: file.oldMode === ABSENT ? null : file.oldOid }
    const after = { newMode: file.newMode, newOid: file.newMode === ABSENT ? null : file.newOid }
    if (file.oldPath === null) return [{ path: file.path, ...before, ...after }]
    return [
      { path: file.oldPath, ...before, newMode: ABSENT, newOid: null },
      { path: file.path, oldMode: ABSENT, oldOid: null, ...after },
    ]
  })
}
