/**
 * Gathers what arrives within a few milliseconds into one call. The answers keep their order; where a batch fails, each part is
 * tried alone, so that one bad settlement does not stop its neighbours.
 */
export function createBatcher<T, R>(
  run: (items: readonly T[]) => Promise<R[]>,
  limits: { ms: number; size: number },
): (items: readonly T[]) => Promise<R[]> {
  type Waiting = { items: readonly T[]; resolve: (results: R[]) => void; reject: (error: unknown) => void }
  let waiting: Waiting[] = []
  let count = 0
  let timer: NodeJS.Timeout | undefined

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    count = 0
    if (batch.length === 0) return
    try {
      const results = await run(batch.flatMap(({ items }) => items))
      let from = 0
      for (const { items, resolve } of batch) resolve(results.slice(from, (from += items.length)))
    } catch (error) {
      if (batch.length === 1) batch[0]!.reject(error)
      else for (const { items, resolve, reject } of batch) await run(items).then(resolve, reject)
    }
  }

  return (items) =>
    new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject })
      count += items.length
      if (count >= limits.size) void flush()
      else timer ??= setTimeout(() => void flush(), limits.ms)
    })
}
