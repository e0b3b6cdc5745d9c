// Opens the state whose path a message names, and answers what came of it: fork(open-database)
import { STATE_MIGRATIONS, openDatabase } from '../../../src/core/storage/index.ts'

process.on('message', (path: string) => {
  try {
    openDatabase({ path, applicationId: 0x53474c31, migrations: STATE_MIGRATIONS }).close()
    process.send!('opened')
  } catch (error) {
    process.send!(String(error))
  }
})
process.send!('ready')
