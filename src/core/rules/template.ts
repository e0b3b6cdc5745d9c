import { familyOf, kindOf, parseSource, spanOf, walk, type LanguageFamily, type LanguageId, type SyntaxNode } from '../parsing/index.ts'
import { isBareNumber, levelOf, levelRequiredAt } from './precedence.ts'

/** A fix text with its variables, and how tightly each place in it binds. */
export type Template = {
  parts: readonly (string | { name: string; many: boolean; required: number; member: boolean })[]
  /** How tightly the whole binds where it is an expression; `undefined` for statements. */
  level: number | undefined
}

const VARIABLE = /\$\$\$([A-Z][A-Z0-9_]*)|\$([A-Z][A-Z0-9_]*)/g

/** Code around an expression that makes it a file. */
const FRAMES: Record<LanguageFamily, readonly [string, string]> = {
  javascript: ['x = ', '\n'],
  python: ['x = ', '\n'],
  go: ['package p\nfunc f() { x = ', ' }\n'],
  rust: ['fn f() { x = ', '; }\n'],
  java: ['class A { void f() { x = ', '; } }\n'],
  ruby: ['x = ', '\n'],
  c: ['void f() { x = ', '; }\n'],
  html: ['', ''],
  css: ['', ''],
}

const cache = new Map<string, Template>()

/** Compiles a fix text once: parses it with names in place of its variables, to see where they stand. */
export function templateOf(fix: string, language: LanguageId): Template {
  const key = `${language}\0${fix}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const family = familyOf(language)
  const frame = FRAMES[family]
  const marked = fix.replace(VARIABLE, (_all, many: string | undefined, one: string | undefined) => markerOf(many ?? one ?? ''))
  const parsed = parseSource(frame[0] + marked + frame[1], language)
  const expression = parsed !== undefined && parsed.errorCount() === 0
  const contexts = new Map<string, { required: number; member: boolean }>()
  let level: number | undefined
  if (expression) {
    const start = frame[0].length
    const end = start + marked.length
    walk(parsed.root, (node) => {
      const span = spanOf(node)
      const whole = span.start === start && span.end === end
      // The innermost node that spans it all is the expression; what wraps it is a list of one or a statement.
      if (whole) level = levelOf(node, family)
      const name = node.isLeaf() ? nameOf(node.text()) : undefined
      if (name === undefined) return
      const required = whole ? 0 : levelRequiredAt(node, family)
      const before = contexts.get(name)
      contexts.set(name, {
        required: Math.max(required, before?.required ?? 0),
        member: before?.member === true || /member|attribute|selector|field/.test(parentKind(node)),
      })
    })
  }
  const parts: Template['parts'][number][] = []
  let position = 0
  for (const match of fix.matchAll(VARIABLE)) {
    if (match.index > position) parts.push(fix.slice(position, match.index))
    const name = match[1] ?? match[2]!
    const context = contexts.get(name) ?? { required: 0, member: false }
    parts.push({ name, many: match[1] !== undefined, ...context })
    position = match.index + match[0].length
  }
  if (position < fix.length) parts.push(fix.slice(position))
  const template: Template = { parts, level }
  cache.set(key, template)
  return template
}

export type Captures = {
  one(name: string): SyntaxNode | null
  many(name: string): readonly SyntaxNode[]
  transformed(name: string): string | undefined
}

/** A filled-in fix: its text, the places of the base text it repeats, and how tightly it binds. */
export type Filled = { text: string; used: readonly { start: number; end: number }[]; level: number | undefined }

/** Puts captured source text into a template, in parentheses where its own operators would otherwise be torn apart. */
export function fill(template: Template, captures: Captures, text: string, language: LanguageId): Filled | undefined {
  const family = familyOf(language)
  const used: { start: number; end: number }[] = []
  let level = template.level
  let result = ''
  for (const part of template.parts) {
    if (typeof part === 'string') {
      result += part
      continue
    }
    const transformed = captures.transformed(part.name)
    if (transformed !== undefined) {
      result += transformed
      continue
    }
    if (part.many) {
      const nodes = captures.many(part.name)
      if (nodes.length === 0) continue
      const span = { start: spanOf(nodes[0]!).start, end: spanOf(nodes.at(-1)!).end }
      used.push(span)
      result += text.slice(span.start, span.end)
      continue
    }
    const node = captures.one(part.name)
    if (node === null) return undefined
    used.push(spanOf(node))
    if (template.parts.length === 1) level = levelOf(node, family)
    const source = node.text()
    const loose = levelOf(node, family) < part.required || (part.member && isBareNumber(node)) || doublesSign(result, source)
    result += loose ? `(${source})` : source
  }
  return { text: result, used, level }
}

/** `-` before `-a` would read as `--a`. */
function doublesSign(before: string, source: string): boolean {
  const last = before.at(-1)
  return (last === '-' || last === '+' || last === '&') && source.startsWith(last)
}

/**
 * Parentheses around a whole replacement, where its new place needs them. `undefined` means: leave this place alone.
 */
export function fit(filled: Filled, match: SyntaxNode, language: LanguageId): string | undefined {
  const family = familyOf(language)
  const { text: replacement, level } = filled
  if (level === undefined || kindOf(match).endsWith('_type')) return replacement
  let result = replacement
  // What binds at least as tightly as the text it replaces may stand where that stood.
  if (level < levelRequiredAt(match, family) && level < levelOf(match, family)) result = `(${replacement})`
  // `{` at the start of a place in an f-string would be an escaped brace.
  if (family === 'python' && result.startsWith('{') && parentKind(match) === 'interpolation') return undefined
  if (family !== 'javascript') return result
  const leading = leadingPlace(match)
  if (leading === 'statement') {
    // A statement must not start with what reads as a block, a declaration or a continuation of the line before.
    return /^(?:[({[`/+-]|function\b|class\b|let\b|async\b)/.test(result) && result[0] !== match.text()[0] ? undefined : result
  }
  return leading === 'arrow-body' && result.startsWith('{') ? `(${result})` : result
}

function leadingPlace(match: SyntaxNode): 'statement' | 'arrow-body' | 'elsewhere' {
  const start = spanOf(match).start
  let node = match
  for (let parent = node.parent(); parent !== null; parent = node.parent()) {
    if (kindOf(parent) === 'arrow_function' && parent.field('body')?.id() === node.id()) return 'arrow-body'
    if (spanOf(parent).start !== start) return 'elsewhere'
    if (kindOf(parent) === 'expression_statement') return 'statement'
    node = parent
  }
  return 'elsewhere'
}

function markerOf(name: string): string {
  return `sgl_${name.toLowerCase()}_`
}

function nameOf(text: string): string | undefined {
  return /^sgl_([a-z0-9_]+)_$/.exec(text)?.[1]?.toUpperCase()
}

function parentKind(node: SyntaxNode): string {
  const parent = node.parent()
  return parent === null ? '' : kindOf(parent)
}
