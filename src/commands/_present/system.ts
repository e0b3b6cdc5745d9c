import { printable } from '../../core/kernel/index.ts'
import type { DoctorReport } from '../../core/system/index.ts'
import { paint } from '../_cli/paint.ts'

const COLORS = { ok: 'green', warn: 'yellow', fail: 'red' } as const

/** One line per check, the commands to copy below it. */
export function presentChecks({ checks, fixed }: DoctorReport): string {
  const lines = checks.flatMap(({ id, status, detail, fix }) => [
    `  ${paint(COLORS[status], status.padEnd(4))}  ${id.padEnd(12)} ${printable(detail)}`,
    ...fix.map((line) => `        ${paint('cyan', '->')} ${printable(line)}`),
  ])
  const failed = checks.filter(({ status }) => status === 'fail').length
  const end = failed === 0 ? 'Everything that is needed works.' : `${failed} of ${checks.length} checks failed.`
  return [...lines, ...(fixed.length > 0 ? ['', `Repaired: ${fixed.join(', ')}.`] : []), '', end].join('\n')
}
