import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digest } from '../../../src/core/kernel/index.ts'
import { type WaitingBench, createWaiting } from '../../support/waiting.ts'

const ADA = { name: 'ada', via: 'command' } as const
let bench: WaitingBench

beforeEach(async () => {
  bench = await createWaiting()
})
afterEach(() => bench.close())

const yes = { status: 'approved', by: 'ada', via: 'inbox', reason: null, overrides: false } as const

test('of two real processes that answer the same requests exactly one wins each', async () => {
  const requests: { candidateId: string; diffHash: string; evidenceHash: string }[] = []
  for (let index = 0; index < 12; index++) {
    const { id, diffHash, evidence } = await bench.add(`f${index}.txt`)
    requests.push({ candidateId: id, diffHash: diffHash!, evidenceHash: digest(evidence.proof) })
  }
  const folder = resolve(import.meta.dirname, '../../../tmp')
  mkdirSync(folder, { recursive: true })
  const driver = join(folder, `approval-driver-${process.pid}.mjs`)
  await build({
    stdin: { contents: `import { main } from './driver.ts'\nawait main()\n`, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: driver,
    logLevel: 'silent',
  })
  const start = (name: string) => {
    const child = spawn(process.execPath, [driver, JSON.stringify({ path: bench.store.db.path, name, requests })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), ended: once(child, 'close') }
  }
  try {
    const racers = [start('ada'), start('bob')]
    for (const { lines } of racers) expect((await lines.next()).value).toBe('ready')
    for (const { child } of racers) child.stdin.write('go\n')
    const answers = await Promise.all(racers.map(async ({ lines }) => JSON.parse((await lines.next()).value!) as string[]))
    await Promise.all(racers.map(({ ended }) => ended))
    requests.forEach(({ candidateId }, index) => {
      expect(answers.map((each) => each[index]).sort()).toEqual(['STATE_CONFLICT', 'won'])
      expect(bench.approvals.latest(candidateId)?.decided_by).toBe(answers[0]![index] === 'won' ? 'ada' : 'bob')
    })
  } finally {
    rmSync(driver, { force: true })
  }
})

test('a request that was open too long takes no answer', async () => {
  const { id, diffHash, evidence } = await bench.add('a.txt', { expiresInMs: -1 })
  const answer = () => bench.approvals.decide(id, { ...yes, diffHash: diffHash!, evidenceHash: digest(evidence.proof) })
  expect(answer).toThrow(expect.objectContaining({ code: 'STATE_CONFLICT' }))
  expect(bench.approvals.expire()).toEqual([id])
  expect(bench.approvals.latest(id)?.status).toBe('expired')
})

test('another diff, other evidence and another token void an answer', async () => {
  const { id, diffHash, evidence } = await bench.add('a.txt')
  const right = { ...yes, diffHash: diffHash!, evidenceHash: digest(evidence.proof) }
  for (const wrong of [{ diffHash: 'f'.repeat(64) }, { evidenceHash: digest('other') }, { token: 'guessed' }])
    expect(() => bench.approvals.decide(id, { ...right, ...wrong })).toThrow(expect.objectContaining({ code: 'APPROVAL_VOID' }))
  expect(bench.approvals.latest(id)?.status).toBe('open')
  const { token } = bench.approvals.request({
    candidateId: id,
    diffHash: right.diffHash,
    evidenceHash: right.evidenceHash,
    expiresInMs: 60_000,
  })
  expect(bench.approvals.decide(id, { ...right, token }).status).toBe('approved')
})

test('a yes to a diff that is not the one of the candidate is refused, the right one lands', async () => {
  const { id, diffHash } = await bench.add('a.txt')
  await expect(bench.service.approve(id, ADA, { diffHash: '0'.repeat(64) })).rejects.toMatchObject({ code: 'APPROVAL_VOID' })
  expect(bench.repository.git('log', '--format=%s', '-1')).not.toContain('Change')
  expect((await bench.service.approve(id, ADA, { diffHash: diffHash! })).state).toBe('landed')
})

test('evidence that changed after the question voids the request', async () => {
  const candidate = await bench.add('a.txt')
  const evidence = { ...candidate.evidence, proof: { changed: true } as never }
  bench.store.saveVerdict(candidate.id, { ...candidate, evidence })
  const landing = bench.service.approve(candidate.id, ADA)
  await expect(landing).rejects.toMatchObject({ code: 'APPROVAL_VOID' })
  expect(bench.approvals.latest(candidate.id)?.status).toBe('void')
})

test('requests, answers and questions stand in the history', async () => {
  const { id } = await bench.add('a.txt')
  const { id: question } = await bench.service.ask(id, ADA, 'why?')
  await bench.service.answer(question, ADA, 'because')
  await bench.service.reject(id, ADA, 'no need')
  const names = bench.store.history(id).map(({ name }) => name)
  expect(names.filter((name) => /^(approval|question)\./.test(name))).toEqual([
    'approval.requested',
    'question.asked',
    'question.answered',
    'approval.rejected',
  ])
})

test('a question of a conversation is one per call, knows its token, and becomes part of the candidate', async () => {
  const { id, runId } = await bench.add('a.txt')
  const asked = { runId, sessionId: 's1', turn: 3, callId: 'c1', by: 'a model', text: 'which?' }
  const question = bench.approvals.askInRun(asked)
  expect(question).toMatchObject({ candidate_id: null, run_id: runId, session_id: 's1', answer: null })
  expect(bench.approvals.askInRun(asked).id).toBe(question.id)
  expect(bench.approvals.askInRun({ ...asked, turn: 4 }).id).not.toBe(question.id)
  const messages = bench.store.db.all<{ body: string }>("SELECT body FROM outbox WHERE queue = 'question_requests' ORDER BY id")
  expect(messages).toHaveLength(2)
  const { token } = JSON.parse(messages[0]!.body) as { token: string }
  expect(bench.approvals.knowsToken(question.id, token)).toBe(true)
  expect(bench.approvals.knowsToken(question.id, 'other')).toBe(false)
  const about = await bench.service.ask(id, ADA, 'why?')
  expect(bench.approvals.knowsToken(about.id, token)).toBe(null)

  await bench.service.answer(question.id, ADA, 'the first')
  await expect(bench.service.answer(question.id, ADA, 'the second')).rejects.toMatchObject({ code: 'STATE_CONFLICT' })
  expect(bench.approvals.question(question.id)).toMatchObject({ answer: 'the first', answered_by: 'ada' })
  bench.approvals.attach('s1', id)
  expect(bench.approvals.questions(id).map(({ text }) => text)).toEqual(['which?', 'which?', 'why?'])
})

test('what waits comes in pages and can be searched', async () => {
  const ids: string[] = []
  for (const file of ['a.txt', 'b.txt', 'c.txt']) ids.push((await bench.add(file)).id)
  const first = await bench.service.waiting({ limit: 2 })
  expect([first.candidates.length, first.total]).toEqual([2, 3])
  await bench.service.reject(first.next_cursor!, ADA, 'decided between two pages')
  const second = await bench.service.waiting({ limit: 2, cursor: first.next_cursor! })
  expect(second.next_cursor).toBeNull()
  expect([...first.candidates, ...second.candidates].map(({ candidate }) => candidate.id).sort()).toEqual(ids.sort())
  expect((await bench.service.waiting({ search: 'C.TXT' })).candidates.map(({ candidate }) => candidate.files)).toEqual([['c.txt']])
})

test('a commit with the right trailer approves, bound to the diff, in the name of its committer', async () => {
  const [right, wrong, short] = [await bench.add('a.txt'), await bench.add('b.txt'), await bench.add('c.txt')]
  const trailers = [
    `Singularity-Approve: ${right.id} ${right.diffHash!.slice(0, 12)}`,
    `Singularity-Approve: ${wrong.id} ${'0'.repeat(12)}`,
    `Singularity-Approve: ${short.id} ${short.diffHash!.slice(0, 11)}`,
  ]
  bench.repository.git('commit', '--allow-empty', '-m', `yes\n\n${trailers.join('\n')}`)
  bench.store.cache(`validated:${right.tree}`, 'validated', {})
  const { candidates } = await bench.service.resume()
  expect(candidates.map(({ id, state }) => [id, state])).toEqual([[right.id, 'landed']])
  expect(bench.approvals.latest(right.id)).toMatchObject({ status: 'approved', via: 'trailer', decided_by: expect.stringContaining('<') })
  expect([wrong, short].map(({ id }) => bench.store.candidate(id).state)).toEqual(['awaiting_approval', 'awaiting_approval'])
})
