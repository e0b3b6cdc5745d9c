const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** '15m', '90s', '1h30m', '250ms' in milliseconds; `undefined` where it is none of these. */
export function parseDuration(text: string): number | undefined {
  const parts = text.trim().match(/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/)
  if (!parts) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(amount) * (UNITS[unit!] ?? 0)
  return total
}

/** A duration for people: '850 ms', '12.4 s', '3 m 20 s', '2 h 5 m'. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m${seconds % 60 === 0 ? '' : ` ${seconds % 60} s`}`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`
}
