import type { Dependencies, Technology } from '../../core/analysis/index.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

/** More rows than this are counted per file: a lock file has thousands. */
const SHOWN = 60

/** Manifests with what they ask for; lock files as counts. */
export function presentDependencies({ manifests, dependencies, problems }: Dependencies): string {
  if (manifests.length === 0) return 'No manifest and no lock file is known here.'
  const blocks = manifests.map(({ path, ecosystem, lock }) => {
    const own = dependencies.filter((each) => each.path === path)
    const head = `${paint('bold', oneLine(path))}  ${ecosystem}, ${plural(own.length, 'dependency', 'dependencies')}`
    if (lock || own.length === 0) return head
    const rows = own
      .slice(0, SHOWN)
      .map(({ purl, scope, requirement, line }) => [
        String(line ?? ''),
        decodeURIComponent(purl.replace(/^pkg:[^/]+\//, '').replace(/@[^@/]*$/, '')),
        requirement ?? '',
        scope === 'runtime' ? '' : scope,
      ])
    const more = own.length > SHOWN ? `\n  ${own.length - SHOWN} more: --json` : ''
    return `${head}\n${table(rows, { grow: 1, paint: (_row, column, text) => (column === 3 ? paint('dim', text) : text) })}${more}`
  })
  const failed = problems.map(({ path, reason }) => paint('yellow', `${oneLine(path)} was not read: ${oneLine(reason)}`))
  return [...blocks, ...failed].join('\n')
}

/** One row per technology, with the first place that shows it. */
export function presentTechnologies(technologies: readonly Technology[]): string {
  if (technologies.length === 0) return 'Nothing that the rules know.'
  const rows = technologies.map(({ category, name, version, evidence: [first] }) => [
    category,
    name,
    version ?? '',
    first === undefined ? '' : `${first.path}${first.line === null ? '' : `:${first.line}`}`,
  ])
  return table(rows, {
    grow: 3,
    paint: (_row, column, text) => (column === 0 ? paint('dim', text) : column === 1 ? paint('bold', text) : text),
  })
}
