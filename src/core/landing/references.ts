import type { Git } from '../git/index.ts'
import type { Operation } from './journal.ts'
import { operationMark } from './processes.ts'

export type ReferenceKind = 'candidates' | 'landed' | 'undone'

/** Private refs: kept from git's garbage collection, shown by no `git branch`, pushed and fetched by no default. */
export function privateRef(kind: ReferenceKind, candidateId: string): string {
  return `refs/singularity/${kind}/${candidateId}`
}

/** Sets and deletes private refs, whatever they were; null deletes. */
export async function setReferences(
  git: Git,
  values: Readonly<Record<string, string | null>>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const zero = '0'.repeat(git.repository.objectFormat === 'sha256' ? 64 : 40)
  const input = Object.entries(values)
    .map(([ref, oid]) => `update ${ref}\0${oid ?? zero}\0\0`)
    .join('')
  if (input !== '') await git.run(['update-ref', '--stdin', '-z'], { input, env })
}

/** The private refs as they must be once the operation is done, or was taken back. */
export async function settleReferences(git: Git, operation: Operation, done: boolean): Promise<void> {
  const mark = operationMark(operation.id)
  if (operation.kind === 'undo') {
    if (done) await setReferences(git, { [privateRef('undone', operation.candidateId)]: operation.newOid }, mark)
    return
  }
  if (!done) return
  const candidate = privateRef('candidates', operation.candidateId)
  const values: Record<string, string | null> = { [privateRef('landed', operation.candidateId)]: operation.newOid }
  // Deleting takes the lock of packed-refs, so it is asked for only where there is something to delete.
  if ((await git.resolve(candidate)) !== undefined) values[candidate] = null
  await setReferences(git, values, mark)
}

/** Every lock file an operation may be holding when it is killed. */
export function locksOf(git: Git, operation: Pick<Operation, 'candidateId' | 'targetRef' | 'checkout'>): string[] {
  const { commonDir } = git.repository
  const refs = [
    operation.targetRef,
    ...(['candidates', 'landed', 'undone'] as const).map((kind) => privateRef(kind, operation.candidateId)),
  ]
  const own = operation.checkout ? ['index.lock', 'HEAD.lock'].map((name) => `${operation.checkout!.gitDir}/${name}`) : []
  return [...own, ...refs.map((ref) => `${commonDir}/${ref}.lock`), `${commonDir}/packed-refs.lock`, `${commonDir}/packed-refs.new`]
}

/** Deletes candidate refs whose commit is older than `before` (milliseconds since 1970), but for `keep`; answers the ids. */
export async function dropCandidateReferences(git: Git, before: number, keep: ReadonlySet<string>): Promise<string[]> {
  const prefix = 'refs/singularity/candidates/'
  const listed = await git.run(['for-each-ref', '--format=%(refname) %(committerdate:unix)', prefix])
  const old = listed.text
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([ref, seconds]) => ref && Number(seconds) * 1000 < before && !keep.has(ref.slice(prefix.length)))
    .map(([ref]) => ref!)
  await setReferences(git, Object.fromEntries(old.map((ref) => [ref, null])))
  return old.map((ref) => ref.slice(prefix.length))
}
