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
