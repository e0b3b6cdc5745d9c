import { Box, Text, useApp, useInput } from 'ink'
import { useEffect, useState } from 'react'
import { formatDuration, messageOf, oneLine, plural } from '../core/kernel/index.ts'
import type { EventRow, QueueService, RequestSummary, WorkerSummary } from '../core/queue/index.ts'
import { useScreenSize } from './use-screen-size.ts'

/** Title, two headings, two blank lines, the keys. */
const AROUND = 7
const MOST_REQUESTS = 200
const REFRESH_MS = 1000

type Snapshot = { requests: readonly RequestSummary[]; workers: readonly WorkerSummary[]; now: number }

const COLOR: Readonly<Record<string, string>> = {
  completed: 'green',
  dead: 'red',
  cancelled: 'yellow',
  claimed: 'cyan',
  processing: 'cyan',
}

/** What waits and is worked on, and the newest events below. It reads only. */
export function QueueWatchScreen({ queue, onInterrupt }: { queue: QueueService; onInterrupt: () => void }) {
  const { exit } = useApp()
  const { rows, columns } = useScreenSize()
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null)
  const [events, setEvents] = useState<readonly EventRow[]>([])
  const [problem, setProblem] = useState('')
  useInput((input, key) => {
    const interrupted = key.ctrl && input === 'c'
    if (interrupted) onInterrupt()
    if (interrupted || input === 'q' || key.escape) exit()
  })
  useEffect(() => {
    const stop = new AbortController()
    const fail = (error: unknown): void => setProblem(messageOf(error))
    const refresh = async (): Promise<void> => {
      const [requests, { workers }] = await Promise.all([queue.living(MOST_REQUESTS), queue.workers()])
      if (!stop.signal.aborted) setSnapshot({ requests, workers, now: queue.now() })
    }
    const follow = (fresh: readonly EventRow[]): void => {
      setEvents((known) => [...known, ...fresh].slice(-MOST_REQUESTS))
      void refresh().catch(fail)
    }
    void refresh().catch(fail)
    void queue.follow(null, follow, stop.signal).catch(fail)
    const timer = setInterval(() => void refresh().catch(fail), REFRESH_MS)
    return () => {
      clearInterval(timer)
      stop.abort()
    }
  }, [queue])

  const free = Math.max(4, rows - AROUND)
  const requests = (snapshot?.requests ?? []).toReversed().slice(0, Math.floor(free / 2))
  const newest = events.slice(-(free - requests.length))
  const count = snapshot?.requests.length ?? 0
  return (
    <Box flexDirection="column" width={columns}>
      <Text bold>
        {snapshot === null
          ? 'reading ...'
          : `${count}${count === MOST_REQUESTS ? '+' : ''} open, ${plural(snapshot.workers.length, 'worker')}`}
      </Text>
      {snapshot?.workers.length === 0 && <Text color="yellow">nobody works: singularity queue work</Text>}
      {requests.map((request) => (
        <Text key={request.id} wrap="truncate">
          {request.id} <Text color={COLOR[request.status] ?? 'gray'}>{request.status.padEnd(10)}</Text> {oneLine(request.task_type)} for{' '}
          {oneLine(request.agent_id)} {formatDuration(Math.max(0, (snapshot?.now ?? 0) - Date.parse(request.created_at)))}
        </Text>
      ))}
      <Text> </Text>
      {newest.map(({ seq, at, type, id, detail }) => (
        <Text key={seq} wrap="truncate">
          <Text dimColor>{at.slice(11, 19)}</Text> <Text color={COLOR[type] ?? 'gray'}>{type.padEnd(9)}</Text> {id} {oneLine(detail ?? '')}
        </Text>
      ))}
      {problem !== '' && <Text color="red">{oneLine(problem)}</Text>}
      <Text dimColor>q quits</Text>
    </Box>
  )
}
