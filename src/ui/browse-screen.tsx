import { Box, type Key, Text, useApp, useInput } from 'ink'
import { useCallback, useEffect, useRef, useState } from 'react'
import { messageOf, oneLine } from '../core/kernel/index.ts'
import type { SearchAnswer, SearchKind, SearchRequest, SearchService } from '../core/search/index.ts'
import { type PreviewLine, type Row, browseKeys, previewLines, rowLine, rowsOf, statusLine } from './browse-lines.ts'
import { useScreenSize } from './use-screen-size.ts'

export type Chosen = { path: string | null; line: number | null; key: string }

export type BrowseProps = {
  search: Pick<SearchService, 'search' | 'preview'>
  request: Omit<SearchRequest, 'text'>
  query: string
  color: boolean
  /** Enter opens an editor. */
  opens: boolean
  onChosen: (chosen: Chosen) => void
  onInterrupt: () => void
}

const KINDS: readonly SearchKind[] = ['code', 'symbol', 'knowledge']
/** Typing is not interrupted by a search for each letter. */
const PAUSE_MS = 120
const MOST = 50
/** From here on the preview stands beside the list. */
const WIDE = 80

/** A query line with live results and the lines around the chosen one. A slow answer never blocks a key, nor replaces a later one. */
export function BrowseScreen({ search, request, query, color, opens, onChosen, onInterrupt }: BrowseProps) {
  const { exit } = useApp()
  const screen = useScreenSize()
  const [text, setText] = useState(query)
  const [kind, setKind] = useState<SearchKind>(request.kind ?? 'code')
  const [found, setFound] = useState<{ text: string; answer: SearchAnswer; rows: Row[] } | null>(null)
  const [problem, setProblem] = useState('')
  const [at, setAt] = useState(0)
  const shown = text.trim() === '' ? null : found
  const rows = shown?.rows ?? []
  const chosen = rows[Math.min(at, rows.length - 1)]

  useEffect(() => {
    if (text.trim() === '') return setFound(null)
    let isOver = false
    const look = async (): Promise<void> => {
      try {
        const answer = await search.search({ ...request, limit: request.limit ?? MOST, kind, text })
        if (isOver) return
        setFound({ text, answer, rows: rowsOf(answer) })
        setAt(0)
        setProblem('')
      } catch (error) {
        if (!isOver) setProblem(oneLine(messageOf(error)))
      }
    }
    const timer = setTimeout(() => void look(), PAUSE_MS)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [search, request, kind, text])

  const move = (step: number): void => setAt((now) => Math.max(0, Math.min(rows.length - 1, Math.min(now, rows.length - 1) + step)))
  const choose = (): void => {
    if (chosen === undefined) return
    onChosen({ path: chosen.path, line: chosen.line, key: chosen.key })
    exit()
  }
  const onKey = (input: string, key: Key): void => {
    if (key.ctrl && input === 'c') {
      onInterrupt()
      return exit()
    }
    if (key.escape) return exit()
    if (key.return) return choose()
    if (key.tab) return setKind((now) => KINDS[(KINDS.indexOf(now) + (key.shift ? KINDS.length - 1 : 1)) % KINDS.length]!)
    const isNext = key.downArrow || (key.ctrl && input === 'n')
    const isBack = key.upArrow || (key.ctrl && input === 'p')
    if (isNext || isBack) return move(isNext ? 1 : -1)
    if (key.pageDown || key.pageUp) return move(key.pageDown ? listRows : -listRows)
    if (key.backspace || key.delete) return setText((now) => [...now].slice(0, -1).join(''))
    if (key.ctrl && input === 'u') return setText('')
    if (key.ctrl && input === 'w') return setText((now) => now.replace(/\S*\s*$/, ''))
    if (!key.ctrl && !key.meta) setText((now) => now + oneLine(input))
  }
  // a handler made anew is subscribed only after the frame is drawn; a key in between must mean what is on the screen
  const keys = useRef(onKey)
  keys.current = onKey
  useInput(useCallback((input: string, key: Key) => keys.current(input, key), []))

  const isWide = screen.columns >= WIDE
  const body = Math.max(4, screen.rows - 4)
  const listRows = isWide ? body : Math.max(2, Math.floor(body / 3))
  const listWidth = isWide ? Math.floor(screen.columns * 0.45) : screen.columns
  const previewRows = isWide ? body : body - listRows - 1
  const preview = chosen === undefined ? [] : linesOf(search, chosen, shown?.text ?? '', previewRows)
  const first = Math.max(0, Math.min(Math.min(at, rows.length - 1) - listRows + 1, rows.length - listRows))
  const tint = (name: 'cyan' | 'yellow' | 'red') => (color ? { color: name } : {})
  return (
    <Box flexDirection="column" width={screen.columns}>
      <Text bold wrap="truncate-start">{`${kind}> ${oneLine(text)}█`}</Text>
      <Text {...tint(problem === '' ? 'yellow' : 'red')} wrap="truncate">
        {problem === '' ? statusLine(text, shown?.answer ?? null, rows.length) : problem}
      </Text>
      <Box flexDirection={isWide ? 'row' : 'column'} height={body}>
        <Box flexDirection="column" width={listWidth} height={listRows} flexShrink={0}>
          {rows.slice(first, first + listRows).map((row, index) => (
            <Text key={row.key + String(first + index)} inverse={row === chosen} wrap="truncate">
              {`${row === chosen ? '>' : ' '} ${rowLine(row, listWidth - 3)}`}
            </Text>
          ))}
        </Box>
        {!isWide && <Text dimColor={color}>{'─'.repeat(screen.columns)}</Text>}
        <Box flexDirection="column" flexGrow={1} height={previewRows} overflow="hidden">
          {preview.map((line) => (
            <Preview key={line.number} line={line} isHit={line.number === chosen?.line} color={color} />
          ))}
        </Box>
      </Box>
      <Text dimColor={color} wrap="truncate">
        {browseKeys(screen.columns, opens)}
      </Text>
    </Box>
  )
}

function Preview({ line: { number, parts }, isHit, color }: { line: PreviewLine; isHit: boolean; color: boolean }) {
  return (
    <Text wrap="truncate">
      <Text dimColor={color && !isHit} bold={isHit}>{`${isHit ? '>' : ' '}${String(number).padStart(5)} `}</Text>
      {parts.map(({ text, isMatch }, at) => (
        <Text key={String(at)} bold={isMatch} underline={isMatch} {...(isMatch && color && { color: 'yellow' })}>
          {text}
        </Text>
      ))}
    </Text>
  )
}

/** The file as it lies here; where there is none, what was found. */
function linesOf(search: BrowseProps['search'], { path, line, content }: Row, query: string, rows: number): PreviewLine[] {
  const text = path === null ? undefined : search.preview(path, line ?? 1, rows)
  const { first, lines } = text ?? { first: line ?? 1, lines: content.split('\n') }
  return previewLines(first, lines, line ?? 1, query, rows)
}
