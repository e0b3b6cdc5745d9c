import measureWidth from 'string-width'
import { oneLine } from '../../core/kernel/index.ts'

const ASCII = /^[ -~]*$/

/** Columns of a terminal. Only other scripts need the tables: building them takes longer than a whole command. */
function stringWidth(text: string): number {
  return ASCII.test(text) ? text.length : measureWidth(text)
}

/** Cuts text to a display width; wide characters count double. */
export function fit(text: string, width: number): string {
  const clean = oneLine(text)
  if (stringWidth(clean) <= width) return clean
  let cut = ''
  for (const { segment } of new Intl.Segmenter().segment(clean)) {
    if (stringWidth(cut + segment) > width - 1) break
    cut += segment
  }
  return `${cut}…`
}

/** A path, with or without a line: its end tells more than its beginning. */
const PLACE = /^[^\s/]*\/\S*$/

/** As `fit`; paths lose their beginning. */
function fitCell(text: string, width: number): string {
  const clean = oneLine(text)
  if (stringWidth(clean) <= width || !PLACE.test(clean)) return fit(clean, width)
  const segments = [...new Intl.Segmenter().segment(clean)].map(({ segment }) => segment)
  while (stringWidth(segments.join('')) > width - 1) segments.shift()
  return `…${segments.join('')}`
}

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)))
}

/** Columns of the terminal; 100 where there is none. */
export function screenWidth(): number {
  return Math.max(60, Math.min(160, process.stdout.columns || 100))
}

/** Rows as aligned columns; on a terminal the column `grow` takes what is left of the width, elsewhere nothing is cut. */
export function table(
  rows: readonly (readonly string[])[],
  options: { grow: number; paint?: (row: number, column: number, text: string) => string; indent?: number },
): string {
  if (rows.length === 0) return ''
  const { grow, indent = 2 } = options
  const widths = rows[0]!.map((_cell, column) => Math.max(...rows.map((row) => stringWidth(row[column] ?? ''))))
  const screen = process.stdout.columns ? screenWidth() : Infinity
  for (const [column, width] of widths.entries()) if (column !== grow) widths[column] = Math.min(width, Math.floor(screen / 3))
  const others = widths.reduce((sum, width, column) => (column === grow ? sum : sum + width), 0) + 2 * (widths.length - 1) + indent
  widths[grow] = Math.max(12, Math.min(widths[grow]!, screen - others))
  return rows
    .map(
      (row, index) =>
        ' '.repeat(indent) +
        row
          .map((cell, column) => {
            const text = pad(fitCell(cell, widths[column]!), column === row.length - 1 ? 0 : widths[column]!)
            return options.paint ? options.paint(index, column, text) : text
          })
          .join('  ')
          .trimEnd(),
    )
    .join('\n')
}
