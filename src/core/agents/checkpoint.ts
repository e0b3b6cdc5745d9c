import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { FileChange, Git } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import { isHidden, writeFileSafely } from './paths.ts'

/** Puts one change into a tree. */
export function putFile(root: string, { path, content, mode }: FileChange): void {
  if (mode === '120000' && content !== null) {
    rmSync(join(root, path), { force: true })
    symlinkSync(Buffer.from(content).toString('utf8'), join(root, path))
  } else writeFileSafely(root, path, content, mode === '100755')
}

/**
 * The tree of a conversation as commits no reference points to: taken after each turn that may have changed it, and put back into a
 * fresh sandbox after a crash. Files that may hold credentials, and git's own, are never among the changes.
 */
export function createCheckpoints(git: Git, sandbox: Sandbox, base: string) {
  let current: string | null = null
  let tree: string | null = null

  return {
    /** null: the tree is the base. */
    current: () => current,
    async take(message: string): Promise<void> {
      const changes = (await sandbox.collectChanges()).filter(({ path }) => !isHidden(path))
      if (changes.length === 0) {
        current = null
        tree = null
        return
      }
      const frozen = await git.commitChanges({ base, changes: changes as readonly FileChange[], message })
      // times make commits differ: the same tree is the same state
      if (frozen.tree !== tree) current = frozen.commit
      tree = frozen.tree
    },
    /** @throws CHANGE_GONE where git has cleaned the commit up */
    async restore(commit: string | null): Promise<void> {
      current = commit
      tree = null
      if (commit === null) return
      if ((await git.resolve(`${commit}^{commit}`)) === undefined)
        throw new SingularityError('CHANGE_GONE', 'What the interrupted conversation had made was cleaned up by git.')
      tree = await git.treeOf(commit)
      const after = git.reader(commit)
      for (const { path, oldPath, status } of await git.changedFiles(base, commit)) {
        if (oldPath !== null && oldPath !== path) writeFileSafely(sandbox.path, oldPath, null)
        if (status === 'deleted') {
          writeFileSafely(sandbox.path, path, null)
          continue
        }
        const content = (await after.read(path))!
        const mode = (await after.entry(path))!.mode
        if (mode !== '160000') putFile(sandbox.path, { path, content, mode })
      }
    },
  }
}
