import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/isolation.ts'
import { buildProgram } from '../support/supervisor.ts'

const folder = temporaryFolder()
let program: string
let others: ChildProcess[]
beforeAll(async () => {
  program = buildProgram('open-database')
  others = Array.from({ length: 6 }, () => fork(program))
  await Promise.all(others.map((child) => once(child, 'message')))
})
afterAll(() => {
  for (const child of others) child.kill()
  rmSync(program, { force: true })
  folder.remove()
})

describe('several processes that open the same new state at once', () => {
  // one in fourteen was refused with "database is locked": changing the journal mode does not wait
  it('are all served', async () => {
    for (let round = 0; round < 40; round++) {
      const answers = others.map(async (child) => {
        const answer = once(child, 'message')
        child.send(join(folder.path, String(round), 'state.db'))
        return ((await answer) as [string])[0]
      })
      expect(await Promise.all(answers)).toEqual(others.map(() => 'opened'))
    }
  })
})
