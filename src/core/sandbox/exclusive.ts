/** Many may share, or one may have it alone: measuring runs wait for all others and hold them off meanwhile. */
export type Turnstile = { shared<T>(body: () => Promise<T>): Promise<T>; alone<T>(body: () => Promise<T>): Promise<T> }

export function createTurnstile(): Turnstile {
  let tail: Promise<unknown> = Promise.resolve()
  const sharing = new Set<Promise<unknown>>()
  return {
    async shared(body) {
      let before = tail
      do {
        before = tail
        await before
      } while (before !== tail)
      const running = body()
      const settled = running.catch(() => {}).finally(() => sharing.delete(settled))
      sharing.add(settled)
      return running
    },
    alone(body) {
      const running = tail.then(() => Promise.all(sharing)).then(body)
      tail = running.catch(() => {})
      return running
    },
  }
}
