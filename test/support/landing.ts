import { join } from 'node:path'
import type { FileChange, Git } from '../../src/core/git/index.ts'
import { systemClock } from '../../src/core/kernel/index.ts'
import { createLanding, type Landing, type LandRequest, type Operation, type Outcome } from '../../src/core/landing/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { openDatabase, STATE_MIGRATIONS, type Database } from '../../src/core/storage/index.ts'
import type { TestRepository } from './repository.ts'

export type LandingBench = {
  git: Git
  db: Database
  landing: Landing
  settled: { operation: Operation; outcome: Outcome; detail: string | null }[]
  /** A candidate on top of HEAD and the request that lands it on main. */
  propose(changes: readonly FileChange[], options?: Partial<LandRequest>): Promise<LandRequest>
}

/** A landing over a temporary repository with its own state.db. */
export async function openLanding(repository: TestRepository): Promise<LandingBench> {
  const git = await repository.open()
  const db = openDatabase({
    path: join(repository.root, '.git/singularity/state.db'),
    applicationId: 0x53_47_4c_31,
    migrations: STATE_MIGRATIONS,
  })
  const settled: LandingBench['settled'] = []
  const landing = createLanding({
    git,
    db,
    clock: systemClock,
    processInfo: createProcessInfo(),
    settle: (operation, outcome, detail) => void settled.push({ operation, outcome, detail }),
  })
  return {
    git,
    db,
    landing,
    settled,
    async propose(changes, options = {}) {
      const base = options.base ?? (await git.resolve('HEAD'))!
      const { commit, tree } = await git.commitChanges({ base, changes, message: 'candidate\n' })
      const candidateId = options.candidateId ?? 'c1'
      await landing.keepCandidate(candidateId, commit)
      return {
        candidateId,
        commit,
        base,
        targetRef: 'refs/heads/main',
        message: 'Improve it\n',
        validatedTree: tree,
        sign: false,
        ...options,
      }
    },
  }
}

export function file(path: string, content: string | null, mode?: '100644' | '100755' | '120000'): FileChange {
  return { path, content: content === null ? null : Buffer.from(content), ...(mode && { mode }) }
}
