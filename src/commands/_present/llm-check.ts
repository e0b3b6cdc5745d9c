import { formatDuration, oneLine, plural } from '../../core/kernel/index.ts'
import type { CheckReport, CheckStep, LlmOverview, ProviderCheck, ProviderListing } from '../../core/llm/index.ts'
import { type Paint, paint } from '../_cli/paint.ts'
import { dollars } from './llm.ts'
import { table } from './text.ts'

const COLOR: Readonly<Record<CheckStep['state'] | ProviderListing['state'], Paint>> = {
  ok: 'green',
  listed: 'green',
  warned: 'yellow',
  failed: 'red',
  skipped: 'dim',
}
const MARK: Readonly<Record<CheckStep['state'], string>> = { ok: 'ok', warned: '!', failed: 'failed', skipped: '-' }

/** Provider by provider what worked; then what would be used, and what to do about the rest. */
export function presentCheck({ providers, complexities, spent_nusd: spent }: CheckReport): string {
  const rows = complexities.map(({ complexity, model, estimate_nusd: cost, reason }) => [
    model === null ? '-' : 'ok',
    complexity,
    model ?? '',
    model === null
      ? oneLine(reason ?? '')
      : cost === null
        ? 'no price'
        : `${dollars(cost.likely)} (${dollars(cost.low)} to ${dollars(cost.high)})`,
  ])
  const fixes = [...new Set(complexities.flatMap(({ fix }) => fix))]
  return [
    ...providers.flatMap(providerLines),
    ...(providers.length === 0 ? ['No provider is set up.'] : []),
    '',
    'A request would use:',
    table(rows, {
      grow: 3,
      paint: (row, column, text) => (column === 0 ? paint(complexities[row]!.model === null ? 'red' : 'green', text) : text),
    }),
    ...(fixes.length > 0 ? ['', ...fixes.map(fixLine)] : []),
    ...(spent > 0 ? ['', paint('dim', `Spent on this check: ${dollars(spent)}.`)] : []),
  ].join('\n')
}

function providerLines({
  provider,
  model,
  state,
  reason,
  steps,
  latency_ms: ms,
  cost_nusd: cost,
  unblocked,
  fix,
}: ProviderCheck): string[] {
  const word = state === 'ok' ? 'works' : state
  const told = [model ?? '', ms === null ? '' : formatDuration(ms), cost === 0 ? '' : dollars(cost)].filter(Boolean)
  const passed = steps.map(({ step, state: each, detail }) => {
    const more = detail === null ? '' : ` (${oneLine(detail)})`
    return `${step} ${paint(COLOR[each], MARK[each])}${each === 'ok' && step !== 'window' ? '' : more}`
  })
  return [
    `${paint('bold', provider)}  ${paint(COLOR[state], word)}  ${paint('dim', oneLine(told.join(', ')))}`,
    ...(passed.length > 0 ? [`  ${passed.join(', ')}`] : []),
    ...(reason === null ? [] : [`  ${paint(COLOR[state], oneLine(reason))}`]),
    ...(unblocked ? ['  It was blocked and may be called again.'] : []),
    ...fix.map(fixLine),
  ]
}

const fixLine = (text: string): string => `  ${paint('cyan', oneLine(text))}`

export function presentUnblocked({ provider, was_blocked: was, reason, since }: ReturnType<LlmOverview['unblock']>): string {
  if (!was) return `${provider} was not blocked.`
  return `${provider} may be called again. It was blocked since ${since}: ${oneLine(reason ?? '')}`
}

/** What the providers said about the models of the table. */
export function presentListings(checked: readonly ProviderListing[]): string {
  if (checked.length === 0) return 'No provider is set up, so nobody was asked.'
  return checked
    .map(({ provider, state, reason, models, unknown }) => {
      const told = state === 'listed' ? `lists ${plural(models, 'model')}` : `${state}: ${oneLine(reason ?? '')}`
      const missing = unknown.length === 0 ? '' : paint('red', `  does not know ${unknown.map(oneLine).join(', ')}`)
      return `${paint(COLOR[state], provider)}  ${told}${missing}`
    })
    .join('\n')
}
