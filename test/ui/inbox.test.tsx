import { cleanup, render } from 'ink-testing-library'
import { render as renderInk } from 'ink'
import { PassThrough } from 'node:stream'
import stringWidth from 'string-width'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ImprovementService } from '../../src/core/improvement/index.ts'
import { diffLines, keyLine, wrapLines } from '../../src/ui/inbox-lines.ts'
import { InboxScreen } from '../../src/ui/inbox-screen.tsx'
import { type WaitingBench, createWaiting } from '../support/waiting.ts'

let bench: WaitingBench

beforeEach(async () => {
  bench = await createWaiting()
})
afterEach(async () => {
  cleanup()
  await bench.close()
})

const open = (service: ImprovementService = bench.service) => {
  const screen = render(<InboxScreen service={service} actor={{ name: 'ada', via: 'inbox' }} />)
  const sees = (text: string) => vi.waitFor(() => expect(screen.lastFrame()).toContain(text), { timeout: 10_000, interval: 20 })
  /** Sends a key and waits for what it brings. */
  const press = async (key: string, then: string): Promise<void> => {
    screen.stdin.write(key)
    await sees(then)
  }
  return { ...screen, sees, press }
}

/** Two candidates in the order of the list: of those made in one second, the id decides. */
async function listed() {
  await bench.add('a.txt')
  await bench.add('b.txt')
  return (await bench.service.waiting()).candidates.map(({ candidate: { id, files } }) => ({ id, file: files[0]! })) as [Row, Row]
}
type Row = { id: string; file: string }

test('lists what waits, shows the evidence and approves what was read', async () => {
  const { id } = await bench.add('a.txt')
  const { sees, press, stdin } = open()
  await sees('1 waits for you')
  await press('\r', 'because of a.txt')
  stdin.write('a')
  await sees(`landed ${id}`)
  await sees('Nothing waits for you.')
  expect(bench.approvals.latest(id)).toMatchObject({ status: 'approved', via: 'inbox', decided_by: 'ada' })
  expect(bench.repository.git('show', 'HEAD:a.txt')).toBe('changed a.txt')
})

test('from the list, the first a shows the evidence and lands nothing', async () => {
  const { id } = await bench.add('a.txt')
  const { sees, press } = open()
  await sees(id)
  await press('a', 'a once more lands')
  expect(bench.store.candidate(id).state).toBe('awaiting_approval')
  await press('a', `landed ${id}`)
})

test('rejects with a reason', async () => {
  const { id } = await bench.add('a.txt')
  const { sees, press, stdin } = open()
  await sees(id)
  await press('r', `why reject ${id}`)
  await press('not now', 'not now')
  stdin.write('\r')
  await sees(`declined ${id}`)
  expect(bench.approvals.latest(id)).toMatchObject({ status: 'rejected', reason: 'not now' })
})

test('a text that arrives together with its enter is sent', async () => {
  const { id } = await bench.add('a.txt')
  const { sees, press } = open()
  await sees(id)
  await press('r', `why reject ${id}`)
  await press('pasted reason\r', `declined ${id}`)
  expect(bench.approvals.latest(id)).toMatchObject({ status: 'rejected', reason: 'pasted reason' })
})

test('searches by title, id and file, and an empty search shows all again', async () => {
  const [a, b] = [await bench.add('a.txt'), await bench.add('b.txt')]
  const { sees, press, lastFrame } = open()
  await sees(a.id)
  await press('/', 'search:')
  await press('B.TXT', 'B.TXT')
  await press('\r', 'matching "B.TXT"')
  await sees('1 waits')
  expect(lastFrame()).not.toContain(a.id)
  expect(lastFrame()).toContain(b.id)
  await press('/', 'search:')
  await press('\r', a.id)
})

test('a refresh while a diff is open changes neither the diff nor what a yes is about', async () => {
  const [a, b] = await listed()
  const { sees, press, stdin, lastFrame } = open()
  await sees(b.id)
  await press('\u001b[B', `> ${b.id}`)
  await press('d', `+changed ${b.file}`)
  await bench.service.reject(a.id, { name: 'bob', via: 'command' }, 'elsewhere') // the list behind gets shorter
  await sees('1 waits for you')
  expect(lastFrame()).toContain(`+changed ${b.file}`)
  stdin.write('a')
  await sees(`landed ${b.id}`)
  expect([a, b].map(({ id }) => bench.store.candidate(id).state)).toEqual(['declined', 'landed'])
})

test('a diff that comes late is never shown for another candidate', async () => {
  const [a, b] = await listed()
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  const slow = {
    ...bench.service,
    diff: async (id: string, options: { color: boolean }) => {
      if (id === a.id) await gate
      return bench.service.diff(id, options)
    },
  }
  const { sees, press, stdin, lastFrame } = open(slow)
  await sees(b.id)
  await press('d', '...')
  stdin.write('q')
  await sees('q quit')
  await press('\u001b[B', `> ${b.id}`)
  await press('d', `+changed ${b.file}`)
  release()
  await slow.diff(a.id, { color: false })
  expect(lastFrame()).not.toContain(`+changed ${a.file}`)
})

test('a diff that comes late leaves the one on the screen, and is there when it is opened', async () => {
  const [a, b] = await listed()
  const gates = new Map<string, () => void>()
  const slow: ImprovementService = {
    ...bench.service,
    diff: async (id, options) => {
      await new Promise<void>((resolve) => gates.set(id, resolve))
      return bench.service.diff(id, options)
    },
  }
  const { sees, press, stdin, lastFrame } = open(slow)
  await sees(b.id)
  await press('d', '...')
  stdin.write('q')
  await sees('q quit')
  await press('\u001b[B', `> ${b.id}`)
  await press('d', '...')
  await vi.waitFor(() => expect(gates.size).toBe(2))
  gates.get(b.id)!()
  await sees(`+changed ${b.file}`)
  gates.get(a.id)!()
  await bench.service.diff(a.id, { color: false })
  expect(lastFrame()).toContain(`+changed ${b.file}`)
  stdin.write('q')
  await sees('q quit')
  await press('\u001b[A', `> ${a.id}`)
  await press('d', `+changed ${a.file}`)
})

test('weakened candidates are listed as refused, and only there an override is offered', async () => {
  const honest = await bench.add('a.txt')
  const weakened = await bench.add('b.txt', { weakened: true })
  const { sees, press, stdin, lastFrame } = open()
  await sees('refused: the tests were weakened')
  expect(lastFrame()).not.toContain('o override')
  stdin.write('o')
  await press('\u001b[B', 'o override')
  expect(lastFrame()).not.toContain('a approve')
  await press('o', `why override for ${weakened.id}`)
  await press('the test was wrong', 'wrong')
  stdin.write('\r')
  await sees(`landed ${weakened.id}`)
  expect(bench.approvals.latest(weakened.id)).toMatchObject({ overrides: true, reason: 'the test was wrong' })
  expect(bench.store.candidate(honest.id).state).toBe('awaiting_approval')
})

test('quitting waits for the approval that is being carried out', async () => {
  const { id } = await bench.add('a.txt')
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  const slow: ImprovementService = {
    ...bench.service,
    approve: async (...args) => {
      await gate
      return bench.service.approve(...args)
    },
  }
  const { sees, press, stdin } = open(slow)
  await sees(id)
  await press('\r', 'because of a.txt')
  await press('a', '...')
  stdin.write('q')
  await sees('q quit')
  await press('q', 'finishing what was answered')
  release()
  await vi.waitFor(() => expect(bench.store.candidate(id).state).toBe('landed'), { timeout: 10_000 })
})

test('text of the repository never drives the terminal', async () => {
  const title = 'evil \u001b[2J\u009b31m\u202e\nsecond line'
  await bench.add('a.txt', { title, content: 'x \u001b]0;owned\u0007 \u202e y\n' })
  const { sees, press, lastFrame } = open()
  await sees('evil  second line')
  for (const [key, text] of [
    ['d', '+x'],
    ['e', 'because of'],
    ['J', '"candidate"'],
  ] as const) {
    await press(key, text)
    // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
    expect(lastFrame()!.replace(/\u001b\[[0-9;]*m/g, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  }
})

/** The screen on a terminal of that size; `frame` is what it shows, without colours. */
function openSized(columns: number, rows: number) {
  const frames: string[] = []
  const stdout = Object.assign(new PassThrough(), { columns, rows, isTTY: true, write: (text: string) => (frames.push(text), true) })
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {}, ref: () => {}, unref: () => {} })
  const screen = renderInk(<InboxScreen service={bench.service} actor={{ name: 'ada', via: 'inbox' }} />, {
    stdout: stdout as never,
    stdin: stdin as never,
    debug: true,
    patchConsole: false,
  })
  // oxlint-disable-next-line no-control-regex -- colours have no width
  const frame = (): string => (frames.at(-1) ?? '').replace(/\u001b\[[0-9;]*m/g, '')
  const sees = (text: string) => vi.waitFor(() => expect(frame()).toContain(text), { timeout: 10_000, interval: 20 })
  const press = (key: string, text: string) => (stdin.write(key), sees(text))
  const expectFits = (): void => {
    const lines = frame().split('\n')
    expect(lines.length).toBeLessThanOrEqual(rows)
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns)
    expect(lines.at(-1)).toMatch(/q (?:quit|back)$/)
  }
  return { sees, press, expectFits, frame, unmount: () => screen.unmount() }
}

test.each([
  [80, 24],
  [60, 15],
])('everything fits %i columns and %i rows, wide characters too', async (columns, rows) => {
  for (let index = 0; index < 20; index++)
    await bench.add(`f${index}.txt`, { title: `A rather long title 日本語の長い題名 🎉 that goes on and on for the width ${index}` })
  const { sees, press, expectFits, unmount } = openSized(columns, rows)
  await sees('20 wait for you')
  expectFits()
  for (const [key, text] of [
    ['d', 'diff of'],
    ['J', 'json of'],
    ['e', 'evidence of'],
  ] as const) {
    await press(key, text)
    expectFits()
  }
  unmount()
  for (const view of ['list', 'reading', 'input'] as const)
    for (const isRefused of [true, false]) expect(keyLine(view, isRefused, columns).length).toBeLessThanOrEqual(columns)
})

test('a line longer than the screen is broken, not cut: all of what a yes is about can be read', async () => {
  const long = `const text = '${'word '.repeat(40)}日本語 the very end'`
  await bench.add('a.txt', { content: `${long}\n` })
  const { sees, press, frame, unmount } = openSized(60, 24)
  await sees('1 waits for you')
  await press('d', 'very end')
  // a space at the end of a row is not drawn
  expect(frame().replace(/\s/g, '')).toContain(`+${long}`.replaceAll(' ', ''))
  unmount()
})

test('the header of a file in a diff is not shown as an added or removed line', () => {
  const lines = diffLines('diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- one\n+++ two\n same\n')
  expect(lines.map(({ color }) => color)).toEqual(['gray', 'gray', 'gray', 'cyan', 'red', 'green', undefined, undefined])
})

test('wrapping keeps every character and cuts only what nobody reads on', () => {
  const text = '日本'.repeat(30)
  const rows = wrapLines([{ text, color: 'red' }, { text: '' }], 7)
  expect(
    rows
      .slice(0, -1)
      .map((row) => row.text)
      .join(''),
  ).toBe(text)
  expect(Math.max(...rows.map((row) => stringWidth(row.text)))).toBeLessThanOrEqual(7)
  expect(rows.at(-1)).toEqual({ text: '' })
  expect(
    wrapLines([{ text: 'x'.repeat(1_000_000) }], 80)
      .map((row) => row.text)
      .join(''),
  ).toMatch(/x… \(1000000 characters\)$/)
})
