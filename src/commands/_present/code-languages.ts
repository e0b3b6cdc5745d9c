import type { Technology } from '../../core/analysis/index.ts'
import type { EngineRow } from '../../core/app/code-engines.ts'
import type { LanguageRow } from '../../core/app/code-languages.ts'
import { oneLine } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { headed } from './code-analysis.ts'
import { presentTechnologies } from './code.ts'

const TIERS = { 1: 'syntax', 2: 'tokens', 3: 'text' } as const

export function presentLanguages(rows: readonly LanguageRow[]): string {
  const lines = rows.map(({ id, tier, engine, version, abi, verified, share }) => [
    id,
    TIERS[tier],
    engine,
    version === null ? '' : `${version}${abi === null ? '' : ` (ABI ${abi})`}`,
    verified ? 'verified' : '',
    share === null || share === 0 ? '' : `${(share * 100).toFixed(share < 0.001 ? 2 : 1)} %`,
  ])
  const notes = rows
    .filter(({ reason }) => reason !== null)
    .map(({ id, reason, tier }) =>
      paint('yellow', `${id}: ${oneLine(reason ?? '')}${tier === 1 ? '' : ` (singularity code languages add ${id})`}`),
    )
  return [headed(['language', 'read by', 'engine', 'grammar', 'table', 'share'], lines, 0), ...notes].join('\n')
}

const STATE_COLORS = { ready: 'green', limited: 'yellow', missing: 'red' } as const

export function presentEngines({
  engines,
  technologies,
}: {
  engines: readonly EngineRow[]
  technologies: readonly Technology[] | null
}): string {
  const rows = engines.map(({ name, state, by, version, detail }) => [name, state, by, version ?? '', detail])
  const notes = engines
    .filter(({ reason }) => reason !== null)
    .map(({ name, state, reason }) => paint(STATE_COLORS[state], `${name}: ${oneLine(reason ?? '')}`))
  const made =
    technologies === null || technologies.length === 0
      ? []
      : ['', paint('bold', 'This repository is made with'), presentTechnologies(technologies)]
  return [headed(['engine', 'state', 'by', 'version', 'knows'], rows, 4), ...notes, ...made].join('\n')
}
