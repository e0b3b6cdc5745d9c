import { Box, Text, useApp, useInput, useStdout } from 'ink'
import { useCallback, useEffect, useState } from 'react'
import type { Actor, CandidateReport, ImprovementService } from '../core/improvement/index.ts'
import { messageOf, printable } from '../core/kernel/index.ts'

type View =
  | { name: 'list' }
  | { name: 'evidence' | 'diff' | 'json'; top: number }
  | { name: 'input'; prompt: string; then: (text: string) => Promise<string> }

const REFRESH_MS = 3000
const percent = (ratio: number | null): string => (ratio === null ? '?' : `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`)

/** The lines of a candidate's proof. */
function evidenceLines(report: CandidateReport): string[] {
  const { candidate } = report
  const { tests, metrics, guards } = candidate.evidence
  return [
    printable(report.reason),
    '',
    ...candidate.reasons.map(({ code, detail }) => `${code.replaceAll('_', ' ')}: ${printable(detail)}`),
    `tests: ${tests.baseline['pass'] ?? 0} pass on the base, ${tests.candidate['pass'] ?? 0} here`,
    ...tests.regressed.map((id) => `  fails now: ${printable(id)}`),
    ...tests.weakened.map(({ file, detail }) => `  weakened: ${printable(file)} ${printable(detail)}`),
    ...metrics.map(
      ({ name, estimate, lower, upper, verdict }) =>
        `${name}: ${verdict === 'not_measured' ? 'not measured' : `${percent(estimate)} between ${percent(lower)} and ${percent(upper)}: ${verdict}`}`,
    ),
    ...guards.map(({ name, detail }) => `${name}: ${printable(detail)}`),
    '',
    ...report.exercised_sites.map(
      ({ file, line, kept, exercised, reason }) =>
        `${printable(file)}:${line} ${kept ? 'kept' : 'dropped'} ${exercised === true ? 'exercised' : 'not known to be exercised'} ${reason ?? ''}`,
    ),
    '',
    'What this does not prove:',
    ...report.not_proven.map((text) => `  ${text}`),
  ]
}

function colorOf(line: string): 'green' | 'red' | 'cyan' | undefined {
  if (line.startsWith('+')) return 'green'
  if (line.startsWith('-')) return 'red'
  return line.startsWith('@@') ? 'cyan' : undefined
}

/**
 * The inbox. It draws its own snapshot and refreshes it in the background, so that a slow source never blocks a key.
 */
export function InboxScreen({ service, actor }: { service: ImprovementService; actor: Actor }) {
  const { exit } = useApp()
  const { stdout } = useStdout()
  const [reports, setReports] = useState<CandidateReport[] | null>(null)
  const [chosen, setChosen] = useState(0)
  const [view, setView] = useState<View>({ name: 'list' })
  const [diff, setDiff] = useState('')
  const [typed, setTyped] = useState('')
  const [search, setSearch] = useState<string | null>(null)
  const [message, setMessage] = useState('')
  const rows = Math.max(5, (stdout.rows || 24) - 6)

  const refresh = useCallback(async () => {
    try {
      setReports((await service.waiting()).candidates)
    } catch (error) {
      setMessage(messageOf(error))
    }
  }, [service])
  useEffect(() => {
    void refresh()
    const timer = setInterval(() => void refresh(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [refresh])

  const shown = (reports ?? []).filter(
    ({ candidate }) =>
      search === null || `${candidate.title} ${candidate.id} ${candidate.files.join(' ')}`.toLowerCase().includes(search.toLowerCase()),
  )
  const current = shown[Math.min(chosen, shown.length - 1)]

  const act = (work: Promise<string>): void => {
    setMessage('...')
    void work.then(setMessage, (error: unknown) => setMessage(messageOf(error))).then(refresh)
  }
  const ask = (prompt: string, then: (text: string) => Promise<string>): void => {
    setTyped('')
    setView({ name: 'input', prompt, then })
  }

  useInput((input, key) => {
    if (view.name === 'input') {
      if (key.escape) setView({ name: 'list' })
      else if (key.return) {
        setView({ name: 'list' })
        if (typed.trim() !== '') act(view.then(typed.trim()))
      } else if (key.backspace || key.delete) setTyped((text) => text.slice(0, -1))
      else if (!key.ctrl && !key.meta) setTyped((text) => text + printable(input))
      return
    }
    if (input === 'q') return view.name === 'list' ? exit() : setView({ name: 'list' })
    if (key.escape) return setView({ name: 'list' })
    const step = key.pageDown ? rows : key.pageUp ? -rows : key.downArrow || input === 'j' ? 1 : key.upArrow || input === 'k' ? -1 : 0
    if (step !== 0) {
      if (view.name === 'list') setChosen((at) => Math.max(0, Math.min(shown.length - 1, at + step)))
      else setView({ ...view, top: Math.max(0, view.top + step) })
      return
    }
    if (input === '/') return ask('search', async (text) => (setSearch(text), setChosen(0), `search: ${text}`))
    if (!current) return
    const { id } = current.candidate
    if (key.return || input === 'e') setView({ name: 'evidence', top: 0 })
    else if (input === 'd') {
      setDiff('...')
      setView({ name: 'diff', top: 0 })
      void service.diff(id, { color: false }).then(setDiff, (error: unknown) => setDiff(messageOf(error)))
    } else if (input === 'J') setView({ name: 'json', top: 0 })
    else if (input === 'a')
      act(service.approve(id, actor).then(({ state, commit }) => `${state} ${id} ${commit?.slice(0, 12) ?? ''}   singularity undo ${id}`))
    else if (input === 'r') ask(`why reject ${id}`, async (reason) => (await service.reject(id, actor, reason), `declined ${id}`))
    else if (input === 'o')
      ask(`why override for ${id}`, async (override) => `${(await service.approve(id, actor, { override })).state} ${id}`)
    else if (input === '?') ask(`question about ${id}`, async (text) => `question ${(await service.ask(id, actor, text)).id}`)
    else if (input === 'n') {
      const open = current.questions.find(({ answer }) => answer === null)
      if (open) ask(`answer: ${printable(open.text)}`, async (text) => (await service.answer(open.id, actor, text), `answered ${open.id}`))
    }
  })

  const lines =
    view.name === 'diff'
      ? diff.split('\n').map(printable)
      : view.name === 'json' && current
        ? JSON.stringify(current, null, 2).split('\n')
        : view.name === 'evidence' && current
          ? evidenceLines(current)
          : []
  const first = Math.max(0, Math.min(chosen - rows + 1, shown.length - rows))
  return (
    <Box flexDirection="column">
      <Text bold>
        {reports === null ? 'reading ...' : `${shown.length} waiting`}
        {search === null ? '' : ` matching "${search}"`}
      </Text>
      {view.name === 'list' || view.name === 'input'
        ? shown.slice(first, first + rows).map(({ candidate, questions }, index) => (
            <Text key={candidate.id} inverse={first + index === chosen} wrap="truncate">
              {`${candidate.id}  ${candidate.verdict ?? ''}  ${candidate.risk.padEnd(6)} ${printable(candidate.title)}${questions.some(({ answer }) => answer === null) ? '  (question)' : ''}`}
            </Text>
          ))
        : lines.slice(view.top, view.top + rows).map((line, index) => {
            const color = view.name === 'diff' ? colorOf(line) : undefined
            return (
              <Text key={view.top + index} wrap="truncate" {...(color && { color })}>
                {line === '' ? ' ' : line}
              </Text>
            )
          })}
      {reports !== null && shown.length === 0 && <Text>Nothing waits for you.</Text>}
      {view.name === 'input' && <Text color="cyan">{`${view.prompt}: ${typed}█`}</Text>}
      <Text color="yellow" wrap="truncate">
        {message || ' '}
      </Text>
      <Text dimColor wrap="truncate">
        {view.name === 'list'
          ? 'enter evidence  d diff  J json  a approve  r reject  o override  ? ask  n answer  / search  q quit'
          : 'arrows scroll  a approve  r reject  q back'}
      </Text>
    </Box>
  )
}
