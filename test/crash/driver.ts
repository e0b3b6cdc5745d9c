/** The program the crash sweep kills: one landing, undo or recovery in a process of its own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGit, discoverRepository } from '../../src/core/git/index.ts'
import { isoTime, systemClock } from '../../src/core/kernel/index.ts'
import { createLanding, type Landing, type LandRequest, type UndoRequest } from '../../src/core/landing/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { openDatabase, STATE_MIGRATIONS, type Database } from '../../src/core/storage/index.ts'

export type Job = { kind: 'land'; request: LandRequest } | { kind: 'undo'; request: UndoRequest } | { kind: 'recover' }
export type Opened = { landing: Landing; db: Database; close(): void }

/** Settling writes an event in the same transaction, as the room above does with its candidate's state. */
export async function openLanding(
  root: string,
  env: Record<string, string | undefined>,
  marks: Record<string, string> = {},
): Promise<Opened> {
  const git = createGit(await discoverRepository({ cwd: root, env }), { env, marks })
  const db = openDatabase({ path: join(root, '.git/singularity/state.db'), applicationId: 0x53_47_4c_31, migrations: STATE_MIGRATIONS })
  const landing = createLanding({
    git,
    db,
    clock: systemClock,
    processInfo: createProcessInfo(),
    settle: (operation, outcome) =>
      void db.run(
        'INSERT INTO event (at, name, candidate_id, data) VALUES (?, ?, ?, ?)',
        isoTime(systemClock),
        outcome,
        operation.candidateId,
        JSON.stringify({ op: operation.id }),
      ),
  })
  return {
    landing,
    db,
    close() {
      git.close()
      db.close()
    },
  }
}

export async function work(opened: Opened, job: Job): Promise<unknown> {
  if (job.kind === 'recover') return opened.landing.recover()
  return job.kind === 'land' ? opened.landing.land(job.request) : opened.landing.undo(job.request)
}

/** `node driver.mjs ROOT JOB.json` with the crash variables in the environment. @public (called by the text in sweep.ts) */
export async function main(): Promise<void> {
  const [root = '', jobFile = ''] = process.argv.slice(2)
  const marks: Record<string, string> = {}
  for (const name of ['LD_PRELOAD', 'CRASH_SHM']) if (process.env[name]) marks[name] = process.env[name]
  const opened = await openLanding(root, process.env, marks)
  const result = await work(opened, JSON.parse(readFileSync(jobFile, 'utf8')) as Job)
  opened.close()
  process.stdout.write(JSON.stringify(result))
}
