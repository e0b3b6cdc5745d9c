import { PassThrough } from 'node:stream'
import { render as renderInk } from 'ink'
import { cleanup, render } from 'ink-testing-library'
import stringWidth from 'string-width'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { SearchAnswer, SearchService } from '../../src/core/search/index.ts'
import { browseKeys, previewLines, rowLine } from '../../src/ui/browse-lines.ts'
import { type BrowseProps, BrowseScreen, type Chosen } from '../../src/ui/browse-screen.tsx'
import { type TestRepository, createRepository } from '../support/repository.ts'
import { openSearch } from '../support/search.ts'

let repository: TestRepository
let search: SearchService
beforeAll(async () => {
  repository = createRepository({
    'src/date.py': `${'# filler\n'.repeat(20)}def parse_date(text):\n    return text.split("-")\n`,
    'src/evil.py': 'def evil():\n    return "\u001b]0;owned\u0007\u202e 日本語の長い文字列"\n',
    'lib/date_format.py': 'def format_date(date):\n    return str(date)\n',
  })
  search = await openSearch(repository)
  await search.index()
})
afterAll(() => repository.cleanup())
afterEach(() => cleanup())

const [UP, DOWN, TAB, ENTER, ESCAPE] = ['\u001b[A', '\u001b[B', '\t', '\r', '\u001b']

function open(more: Partial<BrowseProps> = {}) {
  const chosen: Chosen[] = []
  const onInterrupt = vi.fn<() => void>()
  const props: BrowseProps = {
    search,
    request: {},
    query: '',
    color: false,
    opens: false,
    onChosen: (one) => chosen.push(one),
    onInterrupt,
    ...more,
  }
  const screen = render(<BrowseScreen {...props} />)
  const sees = (text: string | RegExp) => vi.waitFor(() => expect(screen.lastFrame()).toMatch(text), { timeout: 15_000, interval: 20 })
  const press = async (key: string, then: string | RegExp): Promise<void> => (screen.stdin.write(key), sees(then))
  return { ...screen, sees, press, chosen, onInterrupt }
}

test('results follow what is typed; the preview shows the lines around; enter tells the place', async () => {
  const { sees, press, stdin, chosen, lastFrame } = open()
  await sees('type what you look for')
  await press('parse_date', /> src\/date\.py:21 +parse_date/)
  await sees(/> +21 def parse_date/)
  expect(lastFrame()).toMatch(/ 20 # filler/)
  stdin.write(ENTER)
  await vi.waitFor(() => expect(chosen).toEqual([{ path: 'src/date.py', line: 21, key: expect.any(String) }]))
})

test('arrows and ctrl-n, ctrl-p move; ctrl-w and ctrl-u take away what was typed', async () => {
  const { press, sees } = open({ query: 'date' })
  await sees(/> \S+\.py:\d+ .*\n.*\n/)
  const first = /lib\/date_format\.py:1/
  await press(DOWN, /> src\/date\.py/)
  await press(UP, new RegExp(`> ${first.source}`))
  await press('\u000e', /> src\/date\.py/)
  await press('\u0010', new RegExp(`> ${first.source}`))
  await press(' more', 'date more')
  await press('\u0017', /code> date █/)
  await press('\u0015', 'type what you look for')
})

test('tab turns through the kinds', async () => {
  const { press, sees } = open({ query: 'parse_date' })
  await sees('code> parse_date')
  await press(TAB, 'symbol> parse_date')
  await sees(/> src\/date\.py:21/)
  await press(TAB, 'knowledge> parse_date')
  await sees('nothing found')
  await press(TAB, 'code> parse_date')
})

test('a slow answer never replaces a later one, and what fails is told', async () => {
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  const asked: string[] = []
  const slow: BrowseProps['search'] = {
    preview: search.preview,
    async search(request): Promise<SearchAnswer> {
      asked.push(request.text)
      if (request.text === 'parse') await gate
      if (request.text.endsWith('!')) throw new Error('the disk is on fire')
      return search.search(request)
    },
  }
  const { press, sees, lastFrame } = open({ search: slow })
  await press('parse', 'searching ...')
  await vi.waitFor(() => expect(asked).toEqual(['parse']))
  await press('_date', /> src\/date\.py:21/)
  release()
  await slow.search({ text: 'evil' })
  expect(lastFrame()).toMatch(/> src\/date\.py:21/)
  await press('!', 'the disk is on fire')
  await sees('code> parse_date!')
})

test('ctrl-c interrupts, escape only leaves; nothing is chosen where nothing was found', async () => {
  const left = open({ query: 'zqxv' })
  await left.sees('nothing found')
  left.stdin.write(ENTER)
  left.stdin.write(ESCAPE)
  const stopped = open()
  await stopped.sees('type what you look for')
  stopped.stdin.write('\u0003')
  await vi.waitFor(() => expect(stopped.onInterrupt).toHaveBeenCalledOnce())
  expect([left.onInterrupt.mock.calls.length, left.chosen, stopped.chosen]).toEqual([0, [], []])
})

test('an index that is behind, or is not there, is told', async () => {
  const answer = await search.search({ text: 'date' })
  const as = (state: 'behind' | 'none', building: boolean): BrowseProps['search'] => ({
    preview: search.preview,
    search: async () => ({ ...answer, freshness: { state, behindFiles: 3, building } }),
  })
  await open({ query: 'date', search: as('behind', false) }).sees('the index is behind')
  await open({ query: 'date', search: as('none', true) }).sees('no index, which is being written')
})

test.each([
  [100, 30],
  [60, 20],
  [40, 14],
])('everything fits %i columns and %i rows, also after a resize, and nothing drives the terminal', async (columns, rows) => {
  const frames: string[] = []
  const size = { columns, rows }
  const stdout = Object.assign(new PassThrough(), size, { isTTY: true, write: (text: string) => (frames.push(text), true) })
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {}, ref: () => {}, unref: () => {} })
  const screen = renderInk(
    <BrowseScreen search={search} request={{}} query="evil date" color opens={false} onChosen={() => {}} onInterrupt={() => {}} />,
    { stdout: stdout as never, stdin: stdin as never, debug: true, patchConsole: false },
  )
  // oxlint-disable-next-line no-control-regex -- colours have no width
  const frame = (): string => (frames.at(-1) ?? '').replace(/\u001b\[[0-9;]*m/g, '')
  const expectFits = (width: number, height: number): void => {
    const lines = frame().split('\n')
    expect(lines.length).toBeLessThan(height)
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(width)
    // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
    expect(frame()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  }
  await vi.waitFor(() => expect(frame()).toMatch(/evil\.py:1[^]*def (?:evil|format|parse)/), { timeout: 15_000 })
  expectFits(columns, rows)
  Object.assign(stdout, { columns: 50, rows: 12 })
  stdout.emit('resize')
  await vi.waitFor(() => expectFits(50, 12), { timeout: 15_000 })
  screen.unmount()
})

test('rows and keys keep to the width; the preview marks the words of the query', () => {
  const row = { key: 'k', path: 'a/very/long/folder/name/of/src/file.ts', line: 12, name: 'someName', score: 0.5, content: '' }
  for (const width of [20, 30, 60, 100]) expect(rowLine(row, width).length).toBeLessThanOrEqual(width)
  for (const width of [30, 44, 70]) expect(browseKeys(width, true).length).toBeLessThanOrEqual(width)
  const [line] = previewLines(5, ['const parsed = parse(x)'], 5, 'parse', 3)
  expect(line).toEqual({
    number: 5,
    parts: [
      { text: 'const ', isMatch: false },
      { text: 'parse', isMatch: true },
      { text: 'd = ', isMatch: false },
      { text: 'parse', isMatch: true },
      { text: '(x)', isMatch: false },
    ],
  })
})
