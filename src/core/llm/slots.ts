/** A place among the calls that may run at once; the answer gives it back. */
export type Slots = (name: string, most: number, signal: AbortSignal) => Promise<() => void>

/** Calls of this process per provider: whoever comes when all places are taken waits for one, in turn, or until the signal aborts. */
export function createSlots(): Slots {
  const rooms = new Map<string, { taken: number; waiting: Set<() => void> }>()
  return async (name, most, signal) => {
    const room = rooms.get(name) ?? { taken: 0, waiting: new Set() }
    rooms.set(name, room)
    while (room.taken >= most && !signal.aborted)
      await new Promise<void>((resolve) => {
        const go = (): void => {
          room.waiting.delete(go)
          signal.removeEventListener('abort', go)
          resolve()
        }
        room.waiting.add(go)
        signal.addEventListener('abort', go)
      })
    room.taken++
    return () => {
      room.taken--
      const [next] = room.waiting
      next?.()
    }
  }
}
