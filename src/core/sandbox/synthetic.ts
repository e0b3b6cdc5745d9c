import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import type { Isolation, Mount } from './isolation.ts'
import { removeTree } from './worktree.ts'

/** Nothing of the person's configuration counts for the repository inside a sandbox. */
export const SYNTHETIC_ENV: Readonly<Record<string, string>> = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }

const COMMIT = [
  'git init -q -b main . && git add -A -f . >/dev/null 2>&1; git -c user.name=sandbox -c user.email=sandbox@localhost',
  '-c commit.gpgsign=false -c core.hooksPath=/dev/null commit -q --allow-empty -m snapshot',
].join(' ')

export type SyntheticRepository = {
  isolation: Isolation
  tree: string
  root: string
  mounts: readonly Mount[]
  scratch: string
  path: string
}

/** A repository of one commit that holds what the tree holds, made by the jail's own git. */
export async function makeRepository(place: SyntheticRepository): Promise<void> {
  removeTree(join(place.tree, '.git'))
  await inside(place, COMMIT)
}

/** Puts the difference of the tree to that commit into the index, as `git add` before a commit does. */
export async function stageTree(place: SyntheticRepository): Promise<void> {
  await inside(place, 'git add -A -f .')
}

async function inside({ isolation, root, mounts, scratch, path }: SyntheticRepository, script: string): Promise<void> {
  const result = await isolation.run({
    command: ['sh', '-c', script],
    cwd: root,
    env: { PATH: path, ...SYNTHETIC_ENV },
    mounts,
    network: 'none',
    scratch,
    limits: { timeoutMs: 120_000 },
  })
  if (result.exitCode !== 0)
    throw new SingularityError('GIT_FAILED', `A repository could not be made inside the sandbox: ${result.stderr.trim()}`)
}
