import type { ModelCheck, RuntimeReport } from '../../core/app.ts'
import { formatDuration, oneLine, plural } from '../../core/kernel/index.ts'

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MB`

export function presentRuntime({ folder, packages, downloaded, kept }: RuntimeReport): string {
  const rows = packages.map(({ name, version, state }) => `  ${state.padEnd(8)} ${name} ${version}`)
  const size = downloaded === 0 ? [] : [`${megabytes(downloaded)} fetched, ${megabytes(kept)} kept in ${oneLine(folder)}.`]
  return [...rows, ...size].join('\n')
}

export function presentConsent({ host, consent, changed }: { host: string; consent: boolean; changed: boolean }): string {
  const name = oneLine(host)
  if (consent) return `Pieces of this repository may go to ${name}.`
  return `${changed ? `Nothing more goes to ${name}` : `Nothing was allowed to go to ${name}`}. What was sent cannot be taken back (singularity index status).`
}

export function checkData({ model, kind, dimensions, scale, firstMs, nextMs }: ModelCheck): Record<string, unknown> {
  return { model, kind, dimensions, scale, first_ms: Math.round(firstMs), next_ms: Math.round(nextMs) }
}

export function presentCheck({ model, kind, dimensions, firstMs, nextMs }: ModelCheck): string {
  const kinds = { bundled: 'bundled', folder: 'of a folder', endpoint: 'of a server' } as const
  const time = `first question ${formatDuration(Math.round(firstMs))}, next one ${formatDuration(Math.round(nextMs))}`
  return `${oneLine(model)} (${kinds[kind]}): ${plural(dimensions, 'dimension')}; ${time}.`
}
