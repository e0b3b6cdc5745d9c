import { existsSync, rmSync } from 'node:fs'
import type { Git } from '../git/index.ts'
import { within } from './checkout.ts'
import type { Operation, Outcome } from './journal.ts'
import { endChildren, gitAtWork } from './processes.ts'
import { settleReferences } from './references.ts'
import { restore, survey } from './restore.ts'

export type Verdict = { outcome: Outcome; detail: string | null }

/**
 * Finishes one operation whose owner died. Idempotent: killed half way, it starts again and comes to the same end. The
 * target ref alone decides: where it moved, the operation is done; where it did not, its files are taken back.
 * @returns null where a git command of the user is at work: try again later
 */
export async function recoverOperation(git: Git, operation: Operation, bootId: string): Promise<Verdict | null> {
  await endChildren(operation.id)
  if (!removeLocks(git, operation)) return null
  const value = (await git.resolve(operation.targetRef)) ?? null
  if (value === operation.newOid) return rollForward(git, operation, bootId)
  if (value === operation.oldOid) return rollBack(git, operation)
  if (value !== null && (await git.isAncestor(operation.newOid, value))) return rollForward(git, operation, operation.owner.bootId)
  return lookOnly(git, operation, 'the branch was moved by someone else')
}

/**
 * Ends an operation of this very process that met an error. `update-ref` can fail after it has moved the ref (its reflog
 * comes last), so here too the ref decides.
 */
export async function concludeFailure(git: Git, operation: Operation): Promise<Verdict> {
  const value = (await git.resolve(operation.targetRef)) ?? null
  return value === operation.newOid ? rollForward(git, operation, operation.owner.bootId) : rollBack(git, operation)
}

function removeLocks(git: Git, operation: Operation): boolean {
  const present = operation.locks.filter((path) => existsSync(path))
  if (present.length === 0) return true
  const { commonDir, gitDir } = git.repository
  const folders = operation.checkout ? [operation.checkout.path, operation.checkout.gitDir, commonDir] : [commonDir, gitDir]
  if (gitAtWork(folders)) return false
  for (const path of present) rmSync(path, { force: true })
  return true
}

async function rollForward(git: Git, operation: Operation, bootId: string): Promise<Verdict> {
  // The files were complete before the ref moved; only a power cut can have lost them since.
  const lost = operation.checkout !== null && bootId !== operation.owner.bootId && (await isCheckedOut(git, operation))
  const left = lost ? await restore(git, operation.checkout!, operation.paths, 'new') : []
  await settleReferences(git, operation, true)
  return { outcome: operation.kind === 'land' ? 'landed' : 'undone', detail: describe(left) }
}

async function rollBack(git: Git, operation: Operation): Promise<Verdict> {
  if (operation.checkout && existsSync(operation.checkout.path)) {
    if (!(await isCheckedOut(git, operation))) return lookOnly(git, operation, 'another branch was checked out')
    const left = await restore(git, operation.checkout, operation.paths, 'old')
    await settleReferences(git, operation, false)
    return { outcome: 'rolled_back', detail: describe(left) }
  }
  await settleReferences(git, operation, false)
  return { outcome: 'rolled_back', detail: null }
}

async function lookOnly(git: Git, operation: Operation, reason: string): Promise<Verdict> {
  if (!operation.checkout || !existsSync(operation.checkout.path)) return { outcome: 'rolled_back', detail: reason }
  const found = await survey(git, operation.checkout, operation.paths, 'old')
  const half = [...found].filter(([, state]) => state !== 'wanted' && state !== 'foreign').map(([path]) => path)
  if (half.length === 0) return { outcome: 'rolled_back', detail: reason }
  return { outcome: 'needs_attention', detail: `${reason}; half-written: ${half.join(', ')}` }
}

async function isCheckedOut(git: Git, operation: Operation): Promise<boolean> {
  const head = await git.run(['symbolic-ref', '--quiet', 'HEAD'], { ...within(operation.checkout!), accept: [0, 1] })
  return head.text.trim() === operation.targetRef
}

function describe(left: readonly string[]): string | null {
  return left.length === 0 ? null : `edited meanwhile and left alone: ${left.join(', ')}`
}
