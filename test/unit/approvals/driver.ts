import { once } from 'node:events'
import { createApprovals } from '../../../src/core/approvals/index.ts'
import { APPLICATION_ID } from '../../../src/core/app.ts'
import { SingularityError, systemClock } from '../../../src/core/kernel/index.ts'
import { STATE_MIGRATIONS, openDatabase } from '../../../src/core/storage/index.ts'

type Job = { path: string; name: string; requests: { candidateId: string; diffHash: string; evidenceHash: string }[] }

/** One of two racing processes: says that it is ready, waits for the word, answers every request, prints what came of it. */
export async function main(): Promise<void> {
  const { path, name, requests } = JSON.parse(process.argv[2]!) as Job
  const db = openDatabase({ path, applicationId: APPLICATION_ID, migrations: STATE_MIGRATIONS })
  const approvals = createApprovals({ db, clock: systemClock })
  process.stdout.write('ready\n')
  await once(process.stdin, 'data')
  const outcomes = requests.map(({ candidateId, ...hashes }) => {
    try {
      approvals.decide(candidateId, { status: 'approved', by: name, via: 'command', reason: null, overrides: false, ...hashes })
      return 'won'
    } catch (error) {
      return SingularityError.isInstance(error) ? error.code : String(error)
    }
  })
  process.stdout.write(`${JSON.stringify(outcomes)}\n`)
  db.close()
  process.exit()
}
