import type { Template } from '../../core/app/code-insights.ts'
import { oneLine, plural } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

export function templatesData(templates: readonly Template[]): Record<string, unknown> {
  return {
    templates: templates.map(({ path, error, items }) => ({
      path,
      error,
      items: items.map(({ kind, name, line, lineEnd, column, params, hash, container }) => ({
        kind,
        name,
        line,
        line_end: lineEnd,
        column,
        params,
        hash,
        container,
      })),
    })),
  }
}

const GROUPS = [
  ['variable', 'takes'],
  ['block', 'blocks'],
  ['helper', 'calls'],
  ['partial', 'puts in'],
  ['inline', 'defines'],
  ['decorator', 'decorates'],
] as const

/** What each template takes and needs, by name, with the first line of each. */
export function presentTemplates(templates: readonly Template[]): string {
  if (templates.length === 0) return 'No Handlebars template is here.'
  const blocks = templates.map(({ path, error, items }) => {
    const head = paint('bold', oneLine(path))
    if (error !== null)
      return `${head}\n  ${paint('yellow', `no template${error.line === null ? '' : `, line ${error.line}`}: ${oneLine(error.message)}`)}`
    const rows = GROUPS.flatMap(([kind, title]) => {
      const lines = new Map<string, number>()
      for (const { name, line } of items.filter((each) => each.kind === kind)) {
        const known = name ?? '(worked out)'
        if (!lines.has(known)) lines.set(known, line)
      }
      return lines.size === 0 ? [] : [[title, [...lines].map(([name, line]) => `${oneLine(name)}:${line}`).join(' ')]]
    })
    const body =
      rows.length === 0
        ? '  nothing but text'
        : table(rows, { grow: 1, paint: (_row, column, text) => (column === 0 ? paint('dim', text) : text) })
    return `${head}\n${body}`
  })
  return `${blocks.join('\n')}\n${plural(templates.length, 'template')}.`
}
