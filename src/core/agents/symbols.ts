import { type LanguageId, type ParsedSource, fieldOf, kindOf, languageOf, parseSource, spanOf, walk } from '../parsing/index.ts'
import { ToolFailure } from './failure.ts'

type Node = ParsedSource['root']

const DECLARES =
  /function|method|class|interface|struct|enum|type_alias|type_spec|trait|impl|module|declarator|_item$|definition|declaration/
/** What stands around a declaration and belongs to it. */
const WRAPPERS = new Set(['export_statement', 'decorated_definition', 'lexical_declaration', 'variable_declaration', 'type_declaration'])

type Declared = { node: Node; name: string; qualified: string }

/**
 * Replaces the whole declaration of a symbol (`name` or `Container.name`) with its exports and decorators, found in the syntax tree.
 * @throws ToolFailure NO_MATCH, AMBIGUOUS_MATCH, NOTHING_CHANGED
 */
export function replaceSymbol(text: string, path: string, symbol: string, content: string): string {
  const language = languageOf(path, text.split('\n', 1)[0])
  const parsed = language && parseSource(text, language)
  if (!language || !parsed) throw new ToolFailure('NO_MATCH', `${path}: there is no syntax tree for this language. Use edit.`)
  const all = declarations(parsed.root)
  const found = all.filter(({ name, qualified }) => name === symbol || qualified === symbol)
  if (found.length === 0) {
    const names = [...new Set(all.map(({ qualified }) => qualified))].slice(0, 40).join(', ')
    throw new ToolFailure('NO_MATCH', `${path} declares no ${symbol}. It declares: ${names || 'nothing'}.`)
  }
  if (found.length > 1) {
    const lines = found.map(({ node }) => spanOf(node).line).join(', ')
    throw new ToolFailure(
      'AMBIGUOUS_MATCH',
      `${path} declares ${symbol} ${found.length} times (lines ${lines}). Write Container.name, or use edit.`,
    )
  }
  const { start, end } = spanOf(wholeDeclaration(found[0]!.node, content))
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start)
  const next = bestPlaced(content, /^\s*$/.test(line) ? line : '', (placed) => text.slice(0, start) + placed + text.slice(end), language)
  if (next === text) throw new ToolFailure('NOTHING_CHANGED', `${path}: ${symbol} already reads so.`)
  return next
}

function declarations(root: Node): Declared[] {
  const found: Declared[] = []
  walk(root, (node) => {
    const name = DECLARES.test(kindOf(node)) ? nameOf(node) : undefined
    if (name === undefined) return
    const container = containerOf(node)
    found.push({ node, name, qualified: container === undefined ? name : `${container}.${name}` })
  })
  // a C declarator stands inside the definition of the same name: the outer one is meant
  return found.filter(({ node, name }) => !found.some((other) => other.name === name && other.node !== node && holds(other.node, node)))
}

function nameOf(node: Node): string | undefined {
  const named = fieldOf(node, 'name')
  if (named) return named.text()
  if (kindOf(node) !== 'function_definition') return undefined
  let declarator = fieldOf(node, 'declarator')
  while (declarator && kindOf(declarator) !== 'identifier') declarator = fieldOf(declarator, 'declarator')
  return declarator?.text()
}

function containerOf(node: Node): string | undefined {
  const receiver = fieldOf(node, 'receiver')
  if (receiver) return /(\w+)\s*(?:\[[^\]]*\])?\s*\)\s*$/.exec(receiver.text())?.[1]
  for (let parent = node.parent(); parent !== null; parent = parent.parent()) {
    if (!DECLARES.test(kindOf(parent))) continue
    const name = fieldOf(parent, 'name') ?? (kindOf(parent) === 'impl_item' ? fieldOf(parent, 'type') : undefined)
    if (name) return name.text()
  }
  return undefined
}

function holds(outer: Node, inner: Node): boolean {
  const [a, b] = [spanOf(outer), spanOf(inner)]
  return a.start <= b.start && b.end <= a.end && (a.start < b.start || b.end < a.end)
}

/** With `const` around it, and with `export` or decorators where the new text brings them too. */
function wholeDeclaration(node: Node, content: string): Node {
  let whole = node
  for (let parent = node.parent(); parent !== null && WRAPPERS.has(kindOf(parent)); parent = parent.parent()) {
    const kind = kindOf(parent)
    if (kind === 'export_statement' && !/^\s*(?:export|@)/.test(content)) break
    if (kind === 'decorated_definition' && !/^\s*@/.test(content)) break
    if (kind.endsWith('_declaration') && parent.children().filter((child) => kindOf(child) === kindOf(node)).length > 1) break
    whole = parent
  }
  return whole
}

/** A model indents a method as it stands, or from the margin: whichever parses is meant, as it stands where both do. */
function bestPlaced(content: string, indent: string, put: (content: string) => string, language: LanguageId): string {
  const lines = content.replace(/^\n+|\s+$/g, '').split('\n')
  const own = /^\s*/.exec(lines[0]!)![0]
  const dedented = lines.map((line) => (line.startsWith(own) ? line.slice(own.length) : line))
  const asIs = put([lines[0]!.trimStart(), ...lines.slice(1)].join('\n'))
  const shifted = put(dedented.map((line, index) => (index === 0 || line.trim() === '' ? line : indent + line)).join('\n'))
  if (indent === '') return shifted
  const [errorsAsIs, errorsShifted] = [asIs, shifted].map((text) => parseSource(text, language)?.errorCount() ?? 0)
  if (errorsAsIs !== errorsShifted) return errorsAsIs! < errorsShifted! ? asIs : shifted
  const rest = lines.slice(1).filter((line) => line.trim() !== '')
  return rest.every((line) => line.startsWith(indent)) ? asIs : shifted
}
