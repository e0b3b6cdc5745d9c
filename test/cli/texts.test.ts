import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type WaitingBench, createWaiting } from '../support/waiting.ts'
import { PROGRAM } from './playground.ts'

let bench: WaitingBench
beforeEach(async () => {
  bench = await createWaiting()
})
afterEach(() => bench.close())

/** Ids, hashes, times and folders differ from run to run. */
const stable = (text: string): string =>
  text
    .replaceAll(dirname(bench.repository.root), 'FOLDER')
    .replace(/\b[0-9a-f]{40}\b/g, 'HASH')
    .replace(/\b(?:[0-9a-f]{16}|[0-9a-f]{12}|[0-9a-f]{10})\b/g, 'hash')
    .replace(/\b([crq])[0-9a-z]{11}\b/g, '$1-id') // after the hashes, of which some begin with a c
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'TIME')

/** What a person sees of a command: stdout, then stderr, then the exit code. */
function seen(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: bench.repository.root,
    env: { ...bench.env, TZ: 'UTC' },
    encoding: 'utf8',
  })
  return `$ singularity ${stable(args.join(' '))}\n${stable(stdout)}${stable(stderr)}[exit ${status}]\n`
}

test('what every command about runs and candidates says to a person', async () => {
  const first = await bench.add('a.txt', { title: 'Use one word instead of two' })
  const second = await bench.add('b.txt', { title: 'Drop what is not used' })
  const weakened = await bench.add('c.txt', { title: 'Relax a test', weakened: true })
  const asked = await bench.service.ask(second.id, { name: 'ada', via: 'command' }, 'does anybody use it?')
  const folder = join(dirname(bench.repository.root), 'exported')
  const texts = [
    seen('runs'),
    seen('show', first.runId),
    seen('show', first.runId, '--markdown'),
    seen('show', second.id),
    seen('show', weakened.id, '--markdown'),
    seen('diff', first.id),
    seen('inbox'),
    seen('inbox', '--limit', '1', '--search', 'use'),
    seen('answer', asked.id, 'nobody'),
    seen('export', first.runId, folder),
    seen('export', first.runId, folder),
    seen('import', folder),
    seen('approve', first.id, '--dry-run'),
    seen('approve', first.id),
    seen('approve', weakened.id),
    seen('reject', second.id, '--reason', 'it is used'),
    seen('reject', second.id, '--reason', 'it is used'),
    seen('approve', '--all'),
    seen('why', 'a.txt:1'),
    seen('why', 'b.txt:1'),
    seen('why', 'b.txt'),
    seen('undo', first.id, '--dry-run'),
    seen('undo', first.id, '--yes'),
    seen('undo', first.id, '--yes'),
    seen('resume'),
    seen('recover'),
    seen('replay', first.runId),
    seen('show', 'c00000000000'),
    seen('inbox'),
  ]
  expect(texts.join('\n')).toMatchSnapshot()
  // oxlint-disable-next-line no-control-regex -- looking for colours is the purpose
  expect(texts.join('')).not.toMatch(/\u001b/)
})

test('a yes that could not be carried out can be taken back', async () => {
  const { id } = await bench.add('a.txt')
  bench.repository.write({ 'a.txt': 'work that is not committed\n' })
  expect(seen('approve', id)).toContain('uncommitted work in a.txt')
  expect(seen('resume')).toContain('uncommitted work in a.txt')
  expect(bench.store.candidate(id).reasons.filter(({ code }) => code === 'dirty')).toHaveLength(1)
  expect(seen('reject', id, '--reason', 'on second thoughts')).toContain(`declined`)
  expect(bench.store.candidate(id).state).toBe('declined')
  expect(bench.approvals.latest(id)).toMatchObject({ status: 'rejected', reason: 'on second thoughts' })
})
