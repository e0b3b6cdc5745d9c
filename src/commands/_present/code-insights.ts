import type { HotSpots } from '../../core/app/code-insights.ts'
import type { HistoryMoment, Tag } from '../../core/analysis/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { headed } from './code-analysis.ts'

const timeText = (time: number): string => new Date(time).toISOString()
const dayText = (time: number): string => timeText(time).slice(0, 10)
const momentData = ({ commit, subject, time }: HistoryMoment): Record<string, unknown> => ({ commit, subject, time: timeText(time) })

export function hotSpotsData({ head, since, maxFiles, commits, shallow, total, files }: HotSpots): Record<string, unknown> {
  return {
    head,
    since: since === null ? null : timeText(since),
    max_files: maxFiles,
    commits: { read: commits.read, mass: commits.mass },
    shallow,
    total,
    files: files.map((each, index) => ({
      rank: index + 1,
      path: each.path,
      language: each.language,
      test: each.test,
      score: each.score,
      cyclomatic: each.cyclomatic,
      cognitive: each.cognitive,
      lines: each.lines,
      changes: each.changes,
      fixes: each.fixes,
      authors: each.authors,
      added: each.added,
      deleted: each.deleted,
      last_change: momentData(each.lastChange),
      last_fix: each.lastFix === null ? null : momentData(each.lastFix),
      function: each.function,
    })),
  }
}

export function presentHotSpots({ since, maxFiles, commits, shallow, total, files }: HotSpots): string {
  const period = since === null ? '' : ` since ${dayText(since)}`
  const read = `${plural(commits.read, 'commit')}${period} read${commits.mass === 0 ? '' : `, ${commits.mass} of them left out: more than ${plural(maxFiles, 'file')}`}`
  const notes = [
    `${read}. ${files.length < total ? `The first ${files.length} of ${plural(total, 'file')}.` : ''}`.trimEnd(),
    ...(shallow ? [paint('yellow', 'The history was cut when this repository was cloned: git fetch --unshallow')] : []),
  ]
  if (files.length === 0) return ['No file whose complexity is known was changed.', ...notes].join('\n')
  const rows = files.map(({ score, cyclomatic, changes, fixes, lastFix, path, function: worst }) => [
    score.toLocaleString('en-US'),
    String(cyclomatic),
    String(changes),
    String(fixes),
    lastFix === null ? '' : dayText(lastFix.time),
    path,
    worst === null ? '' : `${oneLine(worst.name ?? `(${worst.kind})`).slice(0, 24)}:${worst.line_start}`,
  ])
  return [
    headed(['score', 'cyclomatic', 'changes', 'fixes', 'last fix', 'file', 'most complex'], rows, 5),
    ...notes,
  ].join('\n')
}

/** Sorted by path and line. `written`: the file, where one was written. */
export function tagsData(tags: readonly Tag[], written: string | null): Record<string, unknown> {
  return {
    written,
    tags: tags.map(({ name, path, line, lineEnd, kind, container, language }) => ({
      name,
      path,
      line,
      line_end: lineEnd,
      kind,
      container,
      language,
    })),
  }
}
