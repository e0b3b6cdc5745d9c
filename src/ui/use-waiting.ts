import { useCallback, useEffect, useRef, useState } from 'react'
import type { ImprovementService, Waiting } from '../core/improvement/index.ts'
import { messageOf } from '../core/kernel/index.ts'

const REFRESH_MS = 3000
export const PAGE_SIZE = 50

/** The snapshot on the screen, read again in the background. The answer to an older question never replaces a newer one. */
export function useWaiting(service: ImprovementService, search: string, fail: (message: string) => void) {
  const [page, setPage] = useState<Waiting | null>(null)
  const [cursors, setCursors] = useState<readonly string[]>([])
  const newest = useRef(0)
  const cursor = cursors.at(-1)

  const refresh = useCallback(async () => {
    const turn = ++newest.current
    try {
      const next = await service.waiting({ limit: PAGE_SIZE, search, ...(cursor !== undefined && { cursor }) })
      if (turn === newest.current) setPage(next)
    } catch (error) {
      fail(messageOf(error))
    }
  }, [service, search, cursor, fail])
  useEffect(() => {
    void refresh()
    const timer = setInterval(() => void refresh(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [refresh])

  return {
    page,
    pageNumber: cursors.length + 1,
    refresh,
    first: (): void => setCursors([]),
    next: (): void => {
      const following = page?.next_cursor
      if (following) setCursors((known) => (known.at(-1) === following ? known : [...known, following]))
    },
    back: (): void => setCursors((known) => known.slice(0, -1)),
  }
}
