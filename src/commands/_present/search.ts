import type { IndexAnswer, KnowledgeHit, Refresh, SearchAnswer, SearchHit } from '../../core/search/index.ts'
import type { HitEvidence } from '../../core/app/search-evidence.ts'
import { formatDuration, oneLine, plural, printable } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { fit, screenWidth } from './text.ts'

/** Lines of code under a hit. */
const LINES = 3
/** No terminal shows more of a line. */
const LONGEST = 200

export function presentIndex({ state, files, chunks, ms, bytes }: IndexAnswer): string {
  const read = `${plural(files.parsed, 'file')} read, ${files.reused} known already, ${files.skipped} left out`
  return `Index ${state}: ${read}, ${plural(chunks, 'piece')} written in ${formatDuration(ms)} (${megabytes(bytes)}).`
}

/** `data` of `index`. */
export function indexData({ state, files, chunks, embedded, reusedEmbeddings, ms, bytes }: IndexAnswer): Record<string, unknown> {
  return { state, files, chunks, embedded, reused_embeddings: reusedEmbeddings, ms, bytes }
}

/** One line per refresh of `index --watch`. */
export function presentRefresh({ state, files, chunks, ms, mode }: Refresh): string {
  const what = state === 'unchanged' ? 'up to date' : `${state}: ${plural(files.parsed, 'file')} read, ${plural(chunks, 'piece')} written`
  return `${what} in ${formatDuration(ms)}${mode === 'polling' ? ' (polling)' : ''}`
}

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MB`

type Told = Omit<SearchHit, 'path' | 'line' | 'lineEnd' | 'language'> &
  Pick<KnowledgeHit, 'path' | 'line' | 'lineEnd'> & { language: string | null }

function resultData({ id, lineEnd, past, ...hit }: Told): Record<string, unknown> {
  const { path, line, symbol, kind, language, content, similarity, lexical, score, explain } = hit
  return {
    artifact_id: id,
    path,
    line,
    line_end: lineEnd,
    symbol,
    kind,
    language,
    content,
    similarity,
    lexical,
    success_rate: past?.successRate ?? null,
    usage_count: past?.usageCount ?? null,
    recency: past?.recency ?? null,
    score,
    explain,
  }
}

const knowledgeData = ({ name, languages, successRate, usageCount, recency, ...hit }: KnowledgeHit): Record<string, unknown> =>
  resultData({ ...hit, symbol: name, language: languages.length === 1 ? languages[0]! : null, past: { successRate, usageCount, recency } })

/** `data` of the command as its schema says. */
export function searchData(
  { query, class: name, mode, model, freshness, hits, artifacts, belowFloor, note, tookMs }: SearchAnswer,
  evidence?: readonly (HitEvidence | null)[],
): Record<string, unknown> {
  return {
    query,
    class: name,
    mode,
    model,
    freshness: { state: freshness.state, behind_files: freshness.behindFiles, building: freshness.building },
    results: [
      ...hits.map((hit, index) => ({ ...resultData(hit), evidence: evidenceData(evidence?.[index] ?? null) })),
      ...artifacts.map((hit) => ({ ...knowledgeData(hit), evidence: null })),
    ],
    below_floor: belowFloor,
    note,
    took_ms: tookMs,
  }
}

export function presentSearch(answer: SearchAnswer, evidence?: readonly (HitEvidence | null)[]): string {
  const words = new RegExp(wordsPattern(answer.query), 'giu')
  const code = answer.hits.map((hit, index) => [presentHit(hit, words), ...presentEvidence(evidence?.[index] ?? null)].join('\n'))
  const hits = [...code, ...answer.artifacts.map((hit) => presentArtifact(hit, words))].join('\n')
  return [hits === '' ? 'Nothing found.' : hits, freshnessLine(answer)].filter((line) => line !== '').join('\n\n')
}

function freshnessLine({ freshness: { state, behindFiles, building } }: SearchAnswer): string {
  if (state === 'exact') return ''
  if (state === 'none')
    return paint(
      'dim',
      building
        ? 'The index is being built: this is from git grep.'
        : 'There is no index: this is from git grep. To build it: singularity index',
    )
  const files = behindFiles === null ? 'Some files' : plural(behindFiles, 'file')
  return paint('yellow', `${files} changed since the index was written${building ? ', which is being done now' : ': singularity index'}.`)
}

function presentHit(hit: SearchHit, words: RegExp): string {
  const name = hit.symbol === null ? '' : `  ${paint('bold', oneLine(hit.symbol))} ${paint('dim', oneLine(hit.kind))}`
  const head = `${paint('cyan', `${oneLine(hit.path)}:${hit.line}`)}${name}`
  const body = excerpt(hit, words).map((line) => `    ${fit(line, screenWidth() - 4)}`)
  return [head, ...body, ...explanation(hit)].join('\n')
}

function presentArtifact(hit: KnowledgeHit, words: RegExp): string {
  const place = hit.path === null ? hit.id : `${hit.path}:${hit.line}`
  const past = hit.usageCount === 0 ? '' : `, ${Math.round(100 * hit.successRate!)} % of ${plural(hit.usageCount, 'use')} ended well`
  const head = `${paint('cyan', oneLine(place))}  ${paint('bold', oneLine(hit.name))} ${paint('dim', `${hit.kind}, ${hit.score.toFixed(2)}${past}`)}`
  const body = excerpt(hit, words).map((line) => `    ${fit(line, screenWidth() - 4)}`)
  return [head, ...body, ...explanation(hit)].join('\n')
}

/** The first line of what was found, and the lines that hold most of the words. */
function excerpt({ content }: Pick<SearchHit, 'content'>, words: RegExp): string[] {
  const lines = printable(content).replaceAll('\t', '  ').split('\n')
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)))
  const scored = lines
    .map((line, at) => ({ at, count: new Set(line.toLowerCase().match(words)).size }))
    .filter(({ at }) => lines[at]!.trim() !== '')
  const best = scored
    .toSorted((a, b) => b.count - a.count || a.at - b.at)
    .slice(0, LINES)
    .toSorted((a, b) => a.at - b.at)
  return best.map(({ at }) => lines[at]!.slice(Math.max(0, indent)).slice(0, LONGEST))
}

function wordsPattern(query: string): string {
  const words = query.slice(0, 2000).match(/[\p{L}\p{N}]{2,}/gu) ?? []
  return words.length === 0 ? '(?!)' : words.join('|')
}

function explanation({ explain, score }: Pick<SearchHit, 'explain' | 'score'>): string[] {
  if (explain === null) return []
  const legs = explain.legs.map(({ name, rank, score: own }) => `${name} #${rank} (${own.toFixed(3)})`)
  const factors = explain.factors.map(({ name, factor }) => `${name} x${factor.toFixed(2)}`)
  return [paint('dim', `    ${score.toFixed(3)} = ${[...legs, ...factors].join(', ')}`)]
}

function evidenceData(evidence: HitEvidence | null): Record<string, unknown> | null {
  if (evidence === null) return null
  const { tests, blindSpots, hotSpot, changes, fixes, lastFix } = evidence
  return {
    tests,
    blind_spots: blindSpots.map(({ kind, line, name, detail, run, base }) => ({ kind, line, name, detail, run, base })),
    hot_spot: hotSpot,
    changes,
    fixes,
    last_fix: lastFix === null ? null : { ...lastFix, time: new Date(lastFix.time).toISOString() },
  }
}

function presentEvidence(evidence: HitEvidence | null): string[] {
  if (evidence === null) return []
  const { tests, blindSpots, hotSpot, lastFix } = evidence
  const known = [
    ...(tests === null ? [] : [testsLine(tests)]),
    ...(hotSpot === null ? [] : [`hot spot ${hotSpot.rank} of ${hotSpot.of}`]),
    ...(lastFix === null ? [] : [`last fix ${lastFix.commit.slice(0, 8)} ${oneLine(lastFix.subject)}`]),
  ]
  const lines = blindSpots.map(({ line, detail, run }) =>
    paint('yellow', `    ${fit(`blind spot, line ${line}: ${detail} (run ${run})`, screenWidth() - 4)}`),
  )
  return [...(known.length === 0 ? [] : [paint('dim', `    ${fit(known.join(', '), screenWidth() - 4)}`)]), ...lines]
}

function testsLine({ files, complete }: NonNullable<HitEvidence['tests']>): string {
  if (files.length === 0) return complete ? 'no test file reaches it' : 'no test file is known to reach it'
  return `${complete ? '' : 'at least '}${plural(files.length, 'test file')} ${files.length === 1 ? 'reaches' : 'reach'} it`
}
