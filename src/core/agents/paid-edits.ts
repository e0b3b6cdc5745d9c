import type { Git } from '../git/index.ts'
import { type Clock, isoTime } from '../kernel/index.ts'
import { languageOf } from '../parsing/index.ts'
import type { Database } from '../storage/index.ts'
import { SQL } from './sql.ts'
import { type AgentSession, spentBy } from './transcript.ts'

/** A change of one file that was paid for and kept: what rules are learned from. */
export type PaidEdit = {
  candidate_id: string
  path: string
  language: string | null
  before_text: string | null
  after_text: string | null
  goal: string
  model: string
  cost_nusd: number
  at: string
}

const LARGEST = 256 * 1024

/** Before and after of every file of a kept candidate, in state.db; pairs of what is undone later are not answered any more. */
export function createPaidEdits({ db, git, clock }: { db: Database; git: Git; clock: Clock }) {
  return {
    async store(candidate: { id: string; base: string; commit: string }, session: AgentSession): Promise<void> {
      // an answer from a recording was paid for when it was recorded
      if (session.turns.every(({ answer }) => answer.cached)) return
      const [before, after] = [git.reader(candidate.base), git.reader(candidate.commit)]
      const text = async (reader: typeof before, path: string): Promise<string | null> => {
        const bytes = await reader.read(path)
        return bytes && bytes.length <= LARGEST && !bytes.includes(0) ? bytes.toString('utf8') : null
      }
      const { nusd } = spentBy(session.turns)
      const model = session.turns.at(-1)?.answer.model ?? 'unknown'
      for (const { path, oldPath, status } of await git.changedFiles(candidate.base, candidate.commit)) {
        const pair = [await text(before, oldPath ?? path), status === 'deleted' ? null : await text(after, path)] as const
        if (pair[0] === null && pair[1] === null) continue
        db.run(SQL.addPaidEdit, candidate.id, path, languageOf(path) ?? null, ...pair, session.goal, model, nusd, isoTime(clock))
      }
    },
    all: (): PaidEdit[] => db.all<PaidEdit>(SQL.paidEdits),
  }
}
