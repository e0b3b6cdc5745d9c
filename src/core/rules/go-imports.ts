import { findKinds, kindOf, spanOf, type ParsedSource, type SyntaxNode } from '../parsing/index.ts'

/** Edits that bring the import lines of a Go file in step with its code: unused `drop` packages go, missing `add` packages come. */
export function importEdits(
  source: ParsedSource,
  wanted: { add?: readonly string[]; drop?: readonly string[] },
): { start: number; end: number; text: string }[] {
  const specs = findKinds(source.root, ['import_spec'])
  const dropped = specs.filter(
    (spec) => wanted.drop?.includes(pathOf(spec)) === true && spec.field('name') === null && !isUsed(source, nameOf(pathOf(spec))),
  )
  const added = (wanted.add ?? []).filter((path) => isUsed(source, nameOf(path)) && !specs.some((spec) => pathOf(spec) === path))
  const edits: { start: number; end: number; text: string }[] = []
  for (const path of added) {
    const swap = dropped.findIndex((spec) => keepsOrder(specs, spec, path))
    const [spec] = swap === -1 ? [] : dropped.splice(swap, 1)
    const edit =
      spec === undefined
        ? insertionOf(
            source,
            specs.filter((item) => !dropped.includes(item)),
            path,
          )
        : { ...spanOf(spec.field('path')!), text: `"${path}"` }
    if (edit !== undefined) edits.push(edit)
  }
  for (const spec of dropped) edits.push(removal(source.text, spec))
  return edits.map(({ start, end, text }) => ({ start, end, text })).sort((a, b) => a.start - b.start)
}

/** True where a path may take another's line without breaking the sorted order gofmt keeps. */
function keepsOrder(specs: readonly SyntaxNode[], spec: SyntaxNode, path: string): boolean {
  const index = specs.indexOf(spec)
  const [before, after] = [specs[index - 1], specs[index + 1]]
  return (before === undefined || pathOf(before) < path) && (after === undefined || path < pathOf(after) || pathOf(after).includes('.'))
}

function isUsed(source: ParsedSource, name: string): boolean {
  return findKinds(source.root, ['selector_expression', 'qualified_type']).some((node) => {
    const owner = node.field('operand') ?? node.field('package')
    return owner !== null && owner.isLeaf() && owner.text() === name
  })
}

/** Takes out the spec's line, or the whole declaration where it is the only one. */
function removal(text: string, spec: SyntaxNode): { start: number; end: number; text: string } {
  const parent = spec.parent()!
  const alone = kindOf(parent) !== 'import_spec_list' || findKinds(parent, ['import_spec']).length === 1
  const { start, end } = spanOf(alone ? (kindOf(parent) === 'import_spec_list' ? parent.parent()! : parent) : spec)
  let from = start
  while (from > 0 && (text[from - 1] === ' ' || text[from - 1] === '\t')) from--
  let to = end
  if (text[to] === '\n') to++
  if (alone && text[to] === '\n') to++
  return { start: from, end: to, text: '' }
}

function insertionOf(
  source: ParsedSource,
  specs: readonly SyntaxNode[],
  path: string,
): { start: number; end: number; text: string } | undefined {
  const listed = specs.filter((spec) => kindOf(spec.parent()!) === 'import_spec_list')
  if (listed.length === 0) {
    const clause = findKinds(source.root, ['package_clause'])[0]
    if (clause === undefined) return undefined
    const at = spanOf(clause).end
    return { start: at, end: at, text: `\n\nimport "${path}"` }
  }
  const next = listed.find((spec) => pathOf(spec) > path)
  const anchor = spanOf(next ?? listed.at(-1)!)
  return next === undefined
    ? { start: anchor.end, end: anchor.end, text: `\n\t"${path}"` }
    : { start: anchor.start, end: anchor.start, text: `"${path}"\n\t` }
}

function pathOf(spec: SyntaxNode): string {
  return spec.field('path')?.text().slice(1, -1) ?? ''
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
