import type { Git } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { Candidate } from './store.ts'

/** Whether the objects of a candidate are still here: git cleans up what no reference names any more. */
export async function isPresent(git: Git, { base, commit }: Candidate): Promise<boolean> {
  for (const oid of [base, commit]) if (oid !== null && (await git.resolve(`${oid}^{commit}`)) === undefined) return false
  return true
}

/** @throws CHANGE_GONE */
export async function assertPresent(git: Git, candidate: Candidate): Promise<void> {
  if (!(await isPresent(git, candidate))) throw changeGone(candidate)
}

export function changeGone({ id, state, commit, evidence }: Candidate): SingularityError {
  return new SingularityError(
    'CHANGE_GONE',
    `The change of ${id} is not in this repository any more: it is ${state}, so nothing kept commit ${commit?.slice(0, 12)} from being cleaned up by git.`,
    {
      hints: [
        evidence.explicit
          ? 'singularity improve --patch FILE   # hand the change in again'
          : 'singularity improve --retry   # finds it again',
        `singularity show ${id}   # what was found out about it`,
      ],
      data: { candidate: id, state, commit },
    },
  )
}
