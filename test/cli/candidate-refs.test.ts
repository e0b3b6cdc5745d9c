import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type WaitingBench, createWaiting } from '../support/waiting.ts'
import { type Answer, startProgram } from './playground.ts'

let bench: WaitingBench
beforeEach(async () => {
  bench = await createWaiting()
})
afterEach(() => bench.close())

const run = (...args: string[]): Promise<Answer> => startProgram(args, { cwd: bench.repository.root, env: bench.env }).done
const ref = (id: string): string => `refs/singularity/candidates/${id}`
const refs = (): string[] =>
  bench.repository.git('for-each-ref', '--format=%(refname)', 'refs/singularity/candidates').split('\n').filter(Boolean)

it('the ref of a candidate goes when it lands, is declined or expires', async () => {
  const [landed, declined, waiting, late] = [
    await bench.add('a.txt'),
    await bench.add('b.txt'),
    await bench.add('c.txt'),
    await bench.add('c.txt', { content: 'too late\n', expiresInMs: 0 }),
  ]
  expect(refs().sort()).toEqual([landed, declined, waiting, late].map(({ id }) => ref(id)).sort())
  expect((await run('reject', declined.id, '--reason', 'no')).json.data).toMatchObject({ state: 'declined' })
  expect(refs().sort()).toEqual([landed, waiting].map(({ id }) => ref(id)).sort())
  expect((await run('show', late.id)).json.data.candidate).toMatchObject({ state: 'expired' })
  expect((await run('approve', landed.id)).json.data).toMatchObject({ state: 'landed' })
  expect(refs()).toEqual([ref(waiting.id)])
})

it('what nobody asked about goes after 14 days, with the next run; what waits for a yes stays', async () => {
  const [refused, waiting, fresh] = [
    await bench.add('a.txt', { weakened: true }),
    await bench.add('b.txt'),
    await bench.add('c.txt', { weakened: true }),
  ]
  const { git } = bench.repository
  const age = (id: string, days: number): void => {
    const made = String(Math.floor(Date.now() / 1000) - days * 86_400)
    const tree = git('rev-parse', `${ref(id)}^{tree}`)
    const args = ['commit-tree', tree, '-p', `${ref(id)}^`, '-m', 'older']
    const env = { ...bench.env, GIT_COMMITTER_DATE: `${made} +0000` }
    git('update-ref', ref(id), execFileSync('git', args, { cwd: bench.repository.root, env, encoding: 'utf8' }).trim())
  }
  age(refused.id, 15)
  age(waiting.id, 15)
  age(fresh.id, 13)
  await run('improve', '--source', 'rules')
  expect(refs().sort()).toEqual([waiting, fresh].map(({ id }) => ref(id)).sort())
})
