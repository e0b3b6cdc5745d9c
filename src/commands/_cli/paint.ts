export type Paint = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'

const CODES: Record<Paint, [number, number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
}

let mode: 'auto' | 'always' | 'never' = 'auto'

/** `--color`, once per command. */
export function setColor(next: typeof mode): void {
  mode = next
}

export function colorEnabled(stream: { isTTY?: boolean } = process.stdout): boolean {
  if (mode !== 'auto') return mode === 'always'
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR) return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '0') return true
  return stream.isTTY === true && TERM !== 'dumb'
}

/** Colour with meaning: red harm, green proven, yellow doubt, cyan what to type, dim what can be skipped. */
export function paint(color: Paint, text: string, stream?: { isTTY?: boolean }): string {
  if (!colorEnabled(stream)) return text
  const [open, close] = CODES[color]
  return `\u001b[${open}m${text}\u001b[${close}m`
}
