import type { HotSpots } from '../../core/app/code-insights.ts'
import type { Duplicates, HistoryMoment, Tag } from '../../core/analysis/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { headed } from './code-analysis.ts'

const timeText = (time: number): string => new Date(time).toISOString()
const dayText = (time: number): string => timeText(time).slice(0, 10)
const momentData = ({ commit, subject, time }: HistoryMoment): Record<string, unknown> => ({ commit, subject, time: timeText(time) })

export function hotSpotsData({ head, since, maxFiles, history: { commits }, shallow, total, files }: HotSpots): Record<string, unknown> {
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
      last_change: momentData(each.lastChange),
      last_fix: each.lastFix === null ? null : momentData(each.lastFix),
      function: each.function,
    })),
  }
}

export function presentHotSpots({ since, maxFiles, history: { commits }, shallow, total, files }: HotSpots): string {
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
  return [headed(['score', 'cyclomatic', 'changes', 'fixes', 'last fix', 'file', 'most complex'], rows, 5), ...notes].join('\n')
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

export function duplicatesData(
  { files, tokens, duplicated, groups }: Duplicates,
  least: number,
  normalized: boolean,
): Record<string, unknown> {
  return {
    min_tokens: least,
    normalized,
    files,
    tokens,
    duplicated_tokens: duplicated,
    share: tokens === 0 ? 0 : duplicated / tokens,
    total: groups.length,
    groups: groups.map((group) => ({
      tokens: group.tokens,
      lines: group.lines,
      test: group.test,
      places: group.places.map(({ path, lineStart, lineEnd }) => ({ path, line_start: lineStart, line_end: lineEnd })),
    })),
  }
}

const SHOWN_PLACES = 4

export function presentDuplicates({ files, tokens, duplicated, groups }: Duplicates, limit: number): string {
  const share = tokens === 0 ? 0 : (duplicated / tokens) * 100
  const total = `${plural(groups.length, 'group')} in ${plural(files, 'file')}: ${share.toFixed(1)} % of ${plural(tokens, 'token')}.`
  if (groups.length === 0) return `Nothing stands there twice. ${plural(files, 'file')}, ${plural(tokens, 'token')}.`
  const blocks = groups.slice(0, limit).map(({ tokens: size, lines, places }) => {
    const shown = places
      .slice(0, SHOWN_PLACES)
      .map(({ path, lineStart, lineEnd }) => `    ${paint('cyan', `${oneLine(path)}:${lineStart}-${lineEnd}`)}`)
    const more = places.length > SHOWN_PLACES ? [paint('dim', `    and ${plural(places.length - SHOWN_PLACES, 'more place')}: --json`)] : []
    return [
      `  ${paint('bold', plural(lines, 'line'))} ${paint('dim', `(${plural(size, 'token')}), ${places.length} times`)}`,
      ...shown,
      ...more,
    ].join('\n')
  })
  const rest = groups.length > limit ? ` The largest ${limit} are shown: --limit` : ''
  return `${blocks.join('\n')}\n${total}${rest}`
}
