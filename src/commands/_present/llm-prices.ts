import { oneLine, plural } from '../../core/kernel/index.ts'
import type { PriceImport, UsdPrice } from '../../core/llm/index.ts'
import { type Paint, paint } from '../_cli/paint.ts'
import { table } from './text.ts'

const RATES = ['input', 'output', 'cache_read', 'cache_write'] as const

/** Rate by rate what was and what would be, in dollars per million tokens. `next`: the command that writes it. */
export function presentPrices(data: PriceImport & { written: boolean }, next: string | null = null): string {
  const { changes, unchanged, unmatched, as_of: asOf, file, written } = data
  const rows = changes.flatMap(({ model, before, after }) =>
    differences(before, after).map(([rate, from, to], index) => [index === 0 ? model : '', rate, from, to]),
  )
  const colours: Paint[] = changes.flatMap(({ before, after }) =>
    differences(before, after).map(([, , , dearer]) => (dearer ? 'red' : 'green')),
  )
  return [
    ...(rows.length > 0
      ? [
          table([['model', 'dollars per million', 'now', 'new'], ...rows.map((row) => row.map(String))], {
            grow: 0,
            paint: (row, column, text) => (row === 0 ? paint('dim', text) : column === 3 ? paint(colours[row - 1]!, text) : text),
          }),
          '',
        ]
      : []),
    `${plural(changes.length, 'price')} ${changes.length === 1 ? 'changes' : 'change'}, ${unchanged.length} stay as they are.`,
    ...(unmatched.length > 0 ? [paint('yellow', `Not in the file by their exact ids: ${unmatched.map(oneLine).join(', ')}.`)] : []),
    ...(asOf === null ? [] : [`Every model of a route is in the file: prices are of ${asOf} then.`]),
    ...(written ? [`Written to ${oneLine(file)}.`] : []),
    ...(next === null ? [] : ['', `Nothing was written. To write it: ${paint('cyan', next)}`]),
  ].join('\n')
}

/** Name of the rate, what it was, what it will be, whether that is more. */
function differences(before: UsdPrice | null, after: UsdPrice): [string, string, string, boolean][] {
  const rates = RATES.flatMap((rate): [string, string, string, boolean][] =>
    before?.[rate] === after[rate]
      ? []
      : [[rate, before ? String(before[rate]) : 'none', String(after[rate]), (before?.[rate] ?? 0) < after[rate]]],
  )
  const told = ({ tiers }: UsdPrice): string =>
    tiers.map((tier) => `above ${tier.above_input_tokens}: ${tier.input} / ${tier.output}`).join(', ') || 'none'
  const [was, is] = [before ? told(before) : 'none', told(after)]
  return was === is ? rates : [...rates, ['tiers', was, is, after.tiers.length > 0]]
}
