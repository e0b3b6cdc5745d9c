import { familyOf, findKinds, findMatches, spanOf, type ParsedSource, type SyntaxNode } from '../parsing/index.ts'
import type { TextEdit } from './edits.ts'
import { commentsIn, createGuards } from './guards.ts'
import { matcherOf } from './load.ts'
import type { Rule } from './rule.ts'
import { fill, fit, templateOf, type Captures, type Filled } from './template.ts'

/** One accepted match of a rule: its place and what to put there. */
export type RuleMatch = { start: number; end: number; line: number; edits: { start: number; end: number; text: string }[] }

/** All matches of a rule that can be fixed without losing anything, in source order; nested ones included. */
export function matchRule(rule: Rule, source: ParsedSource): RuleMatch[] {
  if (!rule.languages.includes(source.language) || !hasLiterals(rule, source.text)) return []
  const nodes = findMatches(source.root, matcherOf(rule))
  if (nodes.length === 0) return []
  const guards = createGuards(source)
  const matches: RuleMatch[] = []
  for (const node of nodes) {
    if (!guards(rule.guards, node)) continue
    const edits = editsOf(rule, source, node)
    if (edits !== undefined) matches.push({ ...spanOf(node), edits })
  }
  return matches
}

/** The cheap look before parsing: a file without a rule's literals cannot match. */
export function hasLiterals(rule: Rule, text: string): boolean {
  return rule.literals.every((literal) => text.includes(literal))
}

/** Outermost matches first; what overlaps one already taken waits for the next pass. */
export function withoutOverlaps(matches: readonly RuleMatch[]): RuleMatch[] {
  const kept: RuleMatch[] = []
  let end = -1
  for (const match of [...matches].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (match.start < end) continue
    kept.push(match)
    end = Math.max(end, match.end)
  }
  return kept
}

export function toEdits(matches: readonly RuleMatch[], firstGroup: number): TextEdit[] {
  return matches.flatMap((match, i) => match.edits.map((edit) => ({ ...edit, group: firstGroup + i }))).sort((a, b) => a.start - b.start)
}

function editsOf(rule: Rule, source: ParsedSource, match: SyntaxNode): RuleMatch['edits'] | undefined {
  const captures = capturesOf(rule, match)
  if (captures === undefined) return undefined
  if (typeof rule.fix === 'string') {
    const template = templateOf(rule.fix, source.language)
    const filled = fill(template, captures, source.text, source.language)
    if (filled === undefined || losesSomething(source, match, filled.used)) return undefined
    const text = fit(filled, match, source.language)
    const span = spanOf(match)
    return text === undefined || text === source.text.slice(span.start, span.end) ? undefined : [{ start: span.start, end: span.end, text }]
  }
  const edits: RuleMatch['edits'] = []
  for (const part of rule.fix) {
    const node = match.getMatch(part.node)
    if (node === null) return undefined
    const filled = fill(templateOf(part.text, source.language), captures, source.text, source.language)
    if (filled === undefined || losesSomething(source, node, filled.used)) return undefined
    const { start, end } = spanOf(node)
    edits.push({ start, end, text: filled.text })
  }
  edits.sort((a, b) => a.start - b.start)
  return edits.some((edit, i) => i > 0 && edit.start < edits[i - 1]!.end) ? undefined : edits
}

function capturesOf(rule: Rule, match: SyntaxNode): Captures | undefined {
  const made = new Map<string, string>()
  for (const [name, { from, strip, replaceAll }] of Object.entries(rule.transform ?? {})) {
    let text = match.getMatch(from)?.text()
    if (text === undefined) return undefined
    if (strip !== undefined) {
      const [prefix, suffix] = strip
      if (!text.startsWith(prefix) || !text.endsWith(suffix) || text.length < prefix.length + suffix.length) return undefined
      text = text.slice(prefix.length, text.length - suffix.length)
    }
    made.set(name, replaceAll === undefined ? text : text.replaceAll(replaceAll[0], replaceAll[1]))
  }
  return { one: (name) => match.getMatch(name), many: (name) => match.getMultipleMatches(name), transformed: (name) => made.get(name) }
}

/** Patterns do not see comments, `?.`, `&.` and type arguments: a replacement that would drop one is not made. */
function losesSomething(source: ParsedSource, replaced: SyntaxNode, used: Filled['used']): boolean {
  const hidden = commentsIn(replaced, source.language)
  if (familyOf(source.language) === 'javascript') {
    hidden.push(...findKinds(replaced, source.language === 'javascript' ? ['optional_chain'] : ['optional_chain', 'type_arguments']))
  }
  if (source.language === 'ruby') hidden.push(...findMatches(replaced, { rule: { regex: '^&\\.$' } }))
  return hidden.some((node) => {
    const at = spanOf(node)
    return !used.some((span) => span.start <= at.start && at.end <= span.end)
  })
}
