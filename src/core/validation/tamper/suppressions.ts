import knowledge from '../../../../templates_data/contract/static.json' with { type: 'json' }
import type { LanguageId } from '../../parsing/index.ts'
import { treeOf, type Node } from '../../analysis/index.ts'

export type Suppression = { kind: string; line: number; text: string }

const RULES = knowledge.suppressions.map((rule) => ({ ...rule, pattern: new RegExp(rule.pattern, 'g') }))

/** Every place where a text tells a checker to look away. */
export function suppressionsOf(text: string, language: LanguageId): Suppression[] {
  const rules = RULES.filter((rule) => rule.languages.includes(language))
  if (rules.length === 0) return []
  const tree = treeOf(text, language)
  const comments = tree === undefined ? [] : commentsIn(tree.root)
  const code = tree === undefined ? text : blank(text, comments, tree.root)
  const found: Suppression[] = []
  for (const rule of rules) {
    const places = rule.in === 'code' || tree === undefined ? [{ text: code, line: 1 }] : comments
    for (const place of places) {
      for (const match of place.text.matchAll(rule.pattern)) {
        found.push({
          kind: rule.kind,
          line: place.line + place.text.slice(0, match.index).split('\n').length - 1,
          text: match[0].trim().replace(/\s+/g, ' ').slice(0, 160),
        })
      }
    }
  }
  return found.sort((a, b) => a.line - b.line)
}

/**
 * Suppressions a change brings: those in excess of the ones with the same kind and text before. A moved one is not new,
 * one that names more rules is.
 */
export function newSuppressions(before: string, after: string, language: LanguageId): Suppression[] {
  const known = new Map<string, number>()
  for (const item of suppressionsOf(before, language)) known.set(keyOf(item), (known.get(keyOf(item)) ?? 0) + 1)
  return suppressionsOf(after, language).filter((item) => {
    const left = known.get(keyOf(item)) ?? 0
    known.set(keyOf(item), left - 1)
    return left <= 0
  })
}

const keyOf = (item: Suppression): string => `${item.kind} ${item.text}`

function commentsIn(root: Node): Node[] {
  const found: Node[] = []
  const stack = [root]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (item.comment) found.push(item)
    else for (let at = item.children.length - 1; at >= 0; at--) stack.push(item.children[at]!)
  }
  return found
}

/** The text with comments and plain strings blanked out, lines kept. */
function blank(text: string, comments: readonly Node[], root: Node): string {
  const lines = text.split('\n')
  const hide = (node: Node): void => {
    for (const [offset, part] of node.text.split('\n').entries()) {
      const at = node.line - 1 + offset
      const line = lines[at]
      const start = line?.indexOf(part) ?? -1
      if (line !== undefined && part !== '' && start >= 0)
        lines[at] = line.slice(0, start) + ' '.repeat(part.length) + line.slice(start + part.length)
    }
  }
  for (const node of [...comments, ...stringsIn(root)]) hide(node)
  return lines.join('\n')
}

function stringsIn(root: Node): Node[] {
  const found: Node[] = []
  const stack = [root]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (/^(?:string|string_literal|interpreted_string_literal|raw_string_literal|string_content|string_fragment)$/.test(item.kind)) {
      if (!/attribute/.test(item.parent?.parent?.kind ?? '')) found.push(item)
    } else stack.push(...item.children)
  }
  return found
}
