import type { LanguageRow } from '../../core/app/code-languages.ts'
import { oneLine } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { headed } from './code-analysis.ts'

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
