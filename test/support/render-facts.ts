import type { FileFacts } from '../../src/core/parsing/index.ts'

/** Facts as lines that a person can check against the source: rows are 1-based here. */
export function render(facts: FileFacts, bytes: Uint8Array): string {
  const text = (start: number, end: number) => new TextDecoder().decode(bytes.subarray(start, end)).replaceAll('\n', '⏎')
  const rows = ({ row, rowEnd }: { row: number; rowEnd: number }) => (row === rowEnd ? `${row + 1}` : `${row + 1}-${rowEnd + 1}`)
  const functionAt = (index: number | null) => (index === null ? '-' : (facts.functions[index]!.name ?? `#${index}`))
  const scopeAt = (index: number | null) => (index === null ? '-' : (facts.scopes[index]!.name ?? `#${index}`))
  const four = (figures: { default: number; eslint: number | null; rca: number | null; sonar: number | null } | null) =>
    figures === null ? '?' : [figures.default, figures.eslint, figures.rca, figures.sonar].map((figure) => figure ?? '?').join('/')
  const { lines, file } = facts
  const out = [
    `file ${facts.language} tier ${facts.tier} partial ${facts.partial ?? 'no'} errors ${facts.errors ?? '?'}`,
    `lines ${lines.physical} = source ${lines.source} + comment ${lines.comment ?? '?'} + blank ${lines.blank}, logical ${lines.logical ?? '?'}`,
    `outside decisions ${four(file.decisions)} cognitive ${file.cognitiveOwn ?? '?'} of ${file.cognitive ?? '?'} nesting ${file.nesting ?? '?'}`,
  ]
  for (const each of facts.functions)
    out.push(
      `function ${each.name ?? '(none)'} ${each.kind} ${rows(each)} (${each.parameters.join(', ')}) in ${functionAt(each.parent)} of ${scopeAt(each.scope)}` +
        ` cyclomatic ${four(each.cyclomatic)} cognitive ${each.cognitiveOwn ?? '?'} of ${each.cognitive ?? '?'} nesting ${each.nesting ?? '?'}`,
    )
  for (const each of facts.initializers)
    out.push(`initializer ${each.name ?? '(none)'} ${rows(each)} in ${functionAt(each.function)} eslint ${each.cyclomatic}`)
  for (const each of facts.scopes) out.push(`scope ${each.name ?? '(none)'} ${each.kind} ${rows(each)} of ${scopeAt(each.parent)}`)
  for (const each of facts.imports) {
    const names = each.names.map(({ name, alias }) => (alias === null ? name : `${name} as ${alias}`))
    out.push(`${each.form} ${each.specifier ?? '(none)'} ${rows(each)} {${names.join(', ')}} in ${functionAt(each.function)}`)
  }
  for (const each of facts.calls)
    out.push(
      `call ${each.receiver === null ? '' : `${each.receiver} . `}${each.name ?? '(none)'} ${each.row + 1} in ${functionAt(each.function)}`,
    )
  for (const each of facts.definitions)
    out.push(`definition ${each.name} ${each.kind} ${each.nameRow + 1} in ${functionAt(each.function)} of ${scopeAt(each.scope)}`)
  for (const each of facts.tests)
    out.push(`test ${each.name ?? '(none)'} ${each.kind} ${each.state} ${rows(each)} in ${each.parent ?? '-'}`)
  for (const each of facts.assertions) out.push(`assertion ${each.matcher ?? '(none)'} ${rows(each)} in ${each.test ?? '-'}`)
  for (const each of facts.comments) out.push(`comment ${rows(each)} ${text(each.start, each.end)}`)
  for (const each of facts.strings) out.push(`string ${rows(each)} ${text(each.start, each.end)}`)
  out.push(`references ${[...new Set(facts.references.map(({ name, row }) => `${name}:${row + 1}`))].join(' ')}`)
  return `${out.join('\n')}\n`
}
