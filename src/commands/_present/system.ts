import { printable } from '../../core/kernel/index.ts'
import type { RecoveryReport } from '../../core/improvement/index.ts'
import type { DoctorReport, InitReport, UninstallReport } from '../../core/system/index.ts'
import { paint } from '../_cli/paint.ts'

const COLORS = { ok: 'green', warn: 'yellow', fail: 'red' } as const

/** One line per check, the commands to copy below it. */
export function presentChecks({ checks, fixed, notes }: DoctorReport): string {
  const lines = checks.flatMap(({ id, status, detail, fix }) => [
    `  ${paint(COLORS[status], status.padEnd(4))}  ${id.padEnd(12)} ${printable(detail)}`,
    ...fix.map((line) => `        ${paint('cyan', '->')} ${printable(line)}`),
  ])
  const failed = checks.filter(({ status }) => status === 'fail').length
  const end = failed === 0 ? 'Everything that is needed works.' : `${failed} of ${checks.length} checks failed.`
  const told = notes.length > 0 ? ['', ...notes.map(printable)] : []
  return [...lines, ...told, ...(fixed.length > 0 ? ['', `Repaired: ${fixed.join(', ')}.`] : []), '', end].join('\n')
}

/** The plan, then each setting with its reason, then what to type next. */
export function presentInit({ plan, proposals, file, created, written }: InitReport, isWrite: boolean): string {
  const entries = [...plan.entries, ...plan.steps].map(
    ({ id, command, origin }) => `  ${id}  ${printable(command)}  ${paint('dim', `(${printable(origin)})`)}`,
  )
  const settings = proposals.flatMap(({ name, value, proposed, why }) => [
    `  ${proposed ? paint('green', name) : paint('dim', name)} ${printable(JSON.stringify(value))}`,
    `      ${printable(why)}`,
  ])
  const end = isWrite
    ? [
        written.length > 0 || created
          ? `Written to ${file}: ${written.join(', ') || 'the defaults, as comments'}.`
          : `Nothing to add to ${file}.`,
      ]
    : [
        'Nothing was written.',
        `${paint('cyan', 'singularity init --write')}   write ${file}`,
        `${paint('cyan', 'singularity')}                take a first look`,
      ]
  return [
    'Plan',
    ...(entries.length > 0 ? entries : ['  no test command was found']),
    ...plan.notes.map((note) => `  ${printable(note)}`),
    '',
    'Settings (.singularity/config.json)',
    ...settings,
    '',
    ...end,
  ].join('\n')
}

export function presentUninstall({ folders, refs, worktree_entries: entries, removed }: UninstallReport): string {
  const all = [...folders, ...refs, ...entries]
  if (all.length === 0) return 'Nothing of singularity is in this repository.'
  const end = removed ? 'Removed. Commits, branches and your files are as they were.' : paint('cyan', 'singularity uninstall --yes')
  return [removed ? 'Removed:' : 'Would be removed:', ...all.map((each) => `  ${printable(each)}`), '', end].join('\n')
}

/** What recovery did, one line each. */
export function presentRecovery({ landings, runs, expired, sandboxes }: RecoveryReport): string {
  const lines = [
    ...landings.map(
      ({ candidate, branch, outcome, detail }) =>
        `  ${candidate} on ${printable(branch)}: ${outcome.replace('_', ' ')}${detail === null ? '' : ` (${printable(detail)})`}`,
    ),
    ...runs.map((id) => `  ${id}: its process had died; unfinished candidates are found again by the next run`),
    ...expired.map((id) => `  ${id}: the request for approval was too old`),
    ...sandboxes.map((id) => `  ${id}: sandbox reclaimed`),
  ]
  return lines.length === 0 ? 'Nothing to recover.' : ['Recovered', ...lines].join('\n')
}
