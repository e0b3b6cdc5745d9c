import { posix } from 'node:path'
import { shellQuote } from '../kernel/index.ts'
import type { ImproveRequest } from './data.ts'

/**
 * The command line that asks the same again: what a person chose is kept, `more` is added as it is.
 * `prefix` is the folder the person stands in, below the top.
 */
export function improveCommand(request: ImproveRequest, prefix: string, more: string): string {
  const flags = (name: string, values: readonly (string | null | undefined)[]): string[] =>
    values.flatMap((value) => (value === null || value === undefined ? [] : [`--${name}`, value]))
  const words = [
    'singularity',
    'improve',
    ...request.paths.map((path) => posix.relative(prefix, path) || '.'),
    ...flags('source', request.sources),
    ...flags('rule', request.rules),
    ...flags('patch', [request.patch?.name]),
    ...flags('branch', [request.branch]),
    ...flags('agent', [request.agent?.name]),
    ...flags('exec', [request.agent ? null : request.exec?.command]),
    ...flags('goal', [request.agent?.goal ?? request.goal?.text]),
    ...flags('budget', [dollars(request.agent?.budgetNusd ?? request.goal?.budgetNusd)]),
    ...flags('model', [request.goal?.model]),
    ...flags('max-iterations', [other(request.goal?.maxIterations, 25)]),
    ...flags('n', [other(request.goal?.n, 1)]),
    ...flags('replay', [request.goal?.replay]),
    ...flags('test', more.startsWith('--test') ? [] : [request.test]),
    ...flags('metric', request.metrics),
    ...flags('base', [request.base]),
    ...flags('into', [request.into]),
    ...(request.propose ? ['--propose'] : []),
    ...(request.isolation === 'auto' ? [] : ['--isolation', request.isolation]),
    ...(request.dryRun ? ['--dry-run'] : []),
  ]
  return [...words.map(shellQuote), ...(more === '' ? [] : [more])].join(' ')
}

const dollars = (nusd: number | null | undefined): string | null => (nusd === null || nusd === undefined ? null : String(nusd / 1e9))

/** A number that is not what is taken anyway. */
const other = (value: number | undefined, usual: number): string | null => (value === undefined || value === usual ? null : String(value))
