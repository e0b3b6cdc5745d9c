import { Box, type Key, Text, useApp, useInput } from 'ink'
import { useCallback, useMemo, useRef, useState } from 'react'
import type { Actor, CandidateReport, ImprovementService } from '../core/improvement/index.ts'
import { oneLine } from '../core/kernel/index.ts'
import { diffLines, evidenceLines, failureLine, jsonLines, keyLine, type Line, listLine, wrapLines } from './inbox-lines.ts'
import { useScreenSize } from './use-screen-size.ts'
import { useWaiting } from './use-waiting.ts'

/** Header, keys, the line that is typed, and up to three lines of a message. */
const AROUND = 6

/** What is read keeps the report it was opened with: a refresh never changes what a yes is about. */
type View =
  | { name: 'list' }
  | { name: 'evidence' | 'diff' | 'json'; report: CandidateReport; top: number }
  | { name: 'input'; prompt: string; then: (text: string) => void; behind: View }

/** The inbox. It draws its own snapshot and refreshes it in the background, so that a slow source never blocks a key. */
export function InboxScreen({ service, actor }: { service: ImprovementService; actor: Actor }) {
  const { exit } = useApp()
  const screen = useScreenSize()
  const [chosen, setChosen] = useState<{ id: string; index: number } | null>(null)
  const [view, setView] = useState<View>({ name: 'list' })
  const [diffs, setDiffs] = useState<ReadonlyMap<string, string>>(new Map())
  const [typed, setTyped] = useState('')
  const [search, setSearch] = useState('')
  const [message, setMessage] = useState('')
  const running = useRef<Promise<void> | null>(null)
  const leaving = useRef(false)
  const fail = useCallback((text: string) => setMessage(text), [])
  const { page, pageNumber, refresh, next, back, first } = useWaiting(service, search, fail)
  const rows = Math.max(3, screen.rows - AROUND)

  const refused = page?.refused ?? []
  const items = [...(page?.candidates ?? []), ...refused]
  const isRefused = (report: CandidateReport): boolean => report.candidate.state === 'rejected'
  const found = items.findIndex(({ candidate }) => candidate.id === chosen?.id)
  const at = found === -1 ? Math.min(chosen?.index ?? 0, items.length - 1) : found
  const behind = view.name === 'input' ? view.behind : view
  const current = behind.name !== 'list' && behind.name !== 'input' ? behind.report : items[at]

  const act = (work: () => Promise<string>): void => {
    if (running.current) return setMessage('one moment: the last answer is still being carried out')
    setMessage('...')
    running.current = work()
      .then(setMessage, (error: unknown) => setMessage(failureLine(error)))
      .then(refresh)
      .finally(() => (running.current = null))
  }
  const ask = (prompt: string, then: (text: string) => void): void => {
    setTyped('')
    setView({ name: 'input', prompt, then, behind })
  }
  /** What is being carried out ends first; asked once more, it leaves at once and the journal recovers the rest. */
  const leave = (): void => {
    if (!running.current || leaving.current) return exit()
    leaving.current = true
    setMessage('finishing what was answered; once more leaves at once')
    void running.current.then(() => exit())
  }
  const read = (name: 'evidence' | 'diff' | 'json', report: CandidateReport): void => {
    const { id } = report.candidate
    setView({ name, report, top: 0 })
    if (name !== 'diff' || diffs.has(id)) return
    // Kept by id: an answer that comes late belongs to its own candidate and replaces nobody else's.
    const show = (text: string): void => setDiffs((known) => new Map(known).set(id, text))
    void service.diff(id, { color: false }).then(show, (error: unknown) => show(failureLine(error)))
  }
  const approve = (report: CandidateReport, override?: string): void => {
    const { id } = report.candidate
    const bound = { ...(override !== undefined && { override }), ...(report.diff_hash !== null && { diffHash: report.diff_hash }) }
    act(async () => {
      const { state, commit } = await service.approve(id, actor, bound)
      setView({ name: 'list' })
      return `${state} ${id} ${commit?.slice(0, 12) ?? ''}   singularity undo ${id}`
    })
  }
  const decide = (input: string, report: CandidateReport): void => {
    const { id } = report.candidate
    if (input === 'a' && !isRefused(report)) {
      if (behind.name === 'list') {
        read('evidence', report)
        setMessage(`a once more lands ${id}`)
      } else approve(report)
    } else if (input === 'r' && !isRefused(report))
      ask(`why reject ${id}`, (reason) =>
        act(async () => {
          await service.reject(id, actor, reason)
          setView({ name: 'list' })
          return `declined ${id}`
        }),
      )
    else if (input === 'o' && isRefused(report)) ask(`why override for ${id}`, (reason) => approve(report, reason))
    else if (input === '?') ask(`question about ${id}`, (text) => act(async () => `question ${(await service.ask(id, actor, text)).id}`))
    else if (input === 'n') {
      const open = report.questions.find(({ answer }) => answer === null)
      if (open)
        ask(`answer: ${oneLine(open.text)}`, (text) => act(async () => (await service.answer(open.id, actor, text), `answered ${open.id}`)))
    }
  }

  const onKey = (input: string, key: Key): void => {
    if (key.ctrl && (input === 'c' || input === 'd')) return leave()
    if (view.name === 'input') {
      // A paste brings its enter in the same piece as the text.
      const isSent = key.return || /[\r\n]$/.test(input)
      if (key.escape) setView(view.behind)
      else if (isSent) {
        setView(view.behind)
        view.then(`${typed}${key.return ? '' : oneLine(input)}`.trim())
      } else if (key.backspace || key.delete) setTyped((text) => text.slice(0, -1))
      else if (!key.ctrl && !key.meta) setTyped((text) => text + oneLine(input))
      return
    }
    if (input === 'q') return view.name === 'list' ? leave() : setView({ name: 'list' })
    if (key.escape) return setView({ name: 'list' })
    const step = key.pageDown ? rows : key.pageUp ? -rows : key.downArrow || input === 'j' ? 1 : key.upArrow || input === 'k' ? -1 : 0
    if (step !== 0) {
      if (view.name !== 'list') return setView({ ...view, top: Math.max(0, Math.min(lines.length - rows, view.top + step)) })
      const index = Math.max(0, Math.min(items.length - 1, at + step))
      return setChosen(items[index] ? { id: items[index].candidate.id, index } : null)
    }
    if (view.name === 'list' && (key.rightArrow || key.leftArrow)) return key.rightArrow ? next() : back()
    if (input === '/' && view.name === 'list')
      return ask('search', (text) => {
        first()
        setChosen(null)
        setSearch(text)
      })
    if (!current) return
    if (view.name === 'list') setChosen({ id: current.candidate.id, index: at })
    if (key.return || input === 'e') read('evidence', current)
    else if (input === 'd') read('diff', current)
    else if (input === 'J') read('json', current)
    else decide(input, current)
  }
  // A handler made anew is subscribed only after the frame is drawn; a key in between must mean what is on the screen.
  const keys = useRef(onKey)
  keys.current = onKey
  useInput(useCallback((input: string, key: Key) => keys.current(input, key), []))

  const reading = behind.name === 'list' || behind.name === 'input' ? null : behind
  const text = reading?.name === 'diff' ? (diffs.get(reading.report.candidate.id) ?? '...') : null
  const lines = useMemo(() => (reading === null ? [] : wrapLines(linesOf(reading, text), screen.columns)), [reading, text, screen.columns])
  const waits = page ? `${page.total} ${page.total === 1 ? 'waits' : 'wait'} for you` : 'reading ...'
  const pages = page && (page.next_cursor !== null || pageNumber > 1) ? `, page ${pageNumber} (left and right turn it)` : ''
  const top = reading === null ? 0 : Math.max(0, Math.min(reading.top, lines.length - rows))
  const place = reading && `${top + 1}-${Math.min(lines.length, top + rows)} of ${lines.length} lines`
  const header = reading
    ? `${waits} | ${reading.name} of ${reading.report.candidate.id}, ${place}`
    : `${waits}${search === '' ? '' : ` matching "${search}"`}${pages}`
  return (
    <Box flexDirection="column">
      <Text bold wrap="truncate">
        {header}
      </Text>
      {reading === null ? (
        <List items={items} refusedFrom={items.length - refused.length} at={at} rows={rows} />
      ) : (
        lines.slice(top, top + rows).map(({ text: line, color }, index) => (
          <Text key={top + index} wrap="truncate" {...(color && { color })}>
            {line === '' ? ' ' : line}
          </Text>
        ))
      )}
      {page !== null && items.length === 0 && reading === null && <Text>Nothing waits for you.</Text>}
      {view.name === 'input' && <Text color="cyan" wrap="truncate-start">{`${view.prompt}: ${typed}█`}</Text>}
      <Text color="yellow">{oneLine(message).slice(0, 3 * screen.columns - 3) || ' '}</Text>
      <Text dimColor wrap="truncate">
        {keyLine(
          view.name === 'list' || view.name === 'input' ? view.name : 'reading',
          current !== undefined && isRefused(current),
          screen.columns,
        )}
      </Text>
    </Box>
  )
}

function linesOf({ name, report }: { name: 'evidence' | 'diff' | 'json'; report: CandidateReport }, diff: string | null): Line[] {
  if (diff !== null) return diffLines(diff)
  return name === 'json' ? jsonLines(report) : evidenceLines(report)
}

function List({ items, refusedFrom, at, rows }: { items: readonly CandidateReport[]; refusedFrom: number; at: number; rows: number }) {
  const lines = items.map((report, index) => ({
    key: report.candidate.id,
    text: `${index === at ? '>' : ' '} ${listLine(report)}`,
    isChosen: index === at,
  }))
  if (refusedFrom < items.length)
    lines.splice(refusedFrom, 0, { key: 'refused', text: 'refused: the tests were weakened', isChosen: false })
  const chosen = lines.findIndex(({ isChosen }) => isChosen)
  const first = Math.max(0, Math.min(chosen - rows + 1, lines.length - rows))
  return lines.slice(first, first + rows).map(({ key, text, isChosen }) => (
    <Text key={key} inverse={isChosen} bold={key === 'refused'} wrap="truncate">
      {text}
    </Text>
  ))
}
