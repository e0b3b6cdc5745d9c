import { printable } from '../../core/kernel/index.ts'
import { type Paint, paint } from '../_cli/paint.ts'

function colorOf(line: string): Paint | undefined {
  if (/^(?:diff |index |--- |\+\+\+ |(?:new|deleted|old) |similarity |rename )/.test(line)) return 'bold'
  if (line.startsWith('+')) return 'green'
  if (line.startsWith('-')) return 'red'
  return line.startsWith('@@') ? 'cyan' : undefined
}

/** A diff on a terminal: its own text cannot drive the terminal, the colours are ours. A pipe gets the diff as it is. */
export function presentDiff(diff: string): string {
  return diff
    .split('\n')
    .map((line) => {
      const [clean, color] = [printable(line), colorOf(line)]
      return color ? paint(color, clean) : clean
    })
    .join('\n')
}
