import { type Node, parseTree } from 'jsonc-parser'

/** Line numbers (1-based) of offsets in a text, by binary search. */
export function createLines(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}

/** One property of a JSON object: its name, its node and the line it begins on. */
export type JsonEntry = { key: string; node: Node; value: unknown; line: number }

/** JSON with places. Comments and trailing commas are allowed. @throws Error where it is no JSON object */
export function readJson(text: string): {
  entries: (...path: readonly string[]) => JsonEntry[]
  value: (...path: readonly string[]) => unknown
} {
  const root = parseTree(text, [], { allowTrailingComma: true })
  if (root?.type !== 'object') throw new Error('not a JSON object')
  const lineAt = createLines(text)
  const find = (path: readonly string[]): Node | undefined => {
    let node: Node | undefined = root
    for (const part of path) node = node && properties(node).find(([key]) => key === part)?.[1]
    return node
  }
  return {
    entries: (...path) =>
      properties(find(path)).map(([key, node]) => ({ key, node, value: plain(node), line: lineAt(node.parent?.offset ?? node.offset) })),
    value: (...path) => {
      const node = find(path)
      return node && plain(node)
    },
  }
}

function properties(node: Node | undefined): [string, Node][] {
  if (node?.type !== 'object') return []
  return (node.children ?? []).flatMap(({ children }) => {
    const [key, value] = children ?? []
    return key && value ? [[String(key.value), value] as [string, Node]] : []
  })
}

/** The value of a node. Own properties only, whatever they are called. */
function plain(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(plain)
  if (node.type !== 'object') return node.value as unknown
  return new Map(properties(node).map(([key, value]) => [key, plain(value)]))
}

export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** A property of what `readJson` gives for an object. */
export const field = (value: unknown, name: string): unknown => (value instanceof Map ? value.get(name) : undefined)

/**
 * The lines of TOML that give a key or begin a table: smol-toml keeps no places, so they are found in the text. `table` is '' at the top.
 * Quoted keys are given without their quotes.
 */
export function tomlPlaces(text: string): (table: string, key: string) => number | null {
  const places = new Map<string, number>()
  let table = ''
  let fence: string | null = null
  text.split('\n').forEach((line, index) => {
    if (fence !== null) {
      if (line.includes(fence)) fence = null
      return
    }
    const header = /^\s*\[\[?\s*(.+?)\s*\]\]?\s*(?:#.*)?$/.exec(line)
    if (header && !line.includes('=')) {
      table = header[1]!.replaceAll(/["'\s]/g, '')
      note(places, table, '', index)
      return
    }
    const key = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|[\w-]+))*)\s*=\s*(.*)$/.exec(line)
    if (!key) return
    note(places, table, key[1]!.replaceAll(/["'\s]/g, ''), index)
    const opened = /^("""|''')/.exec(key[2]!)?.[1]
    if (opened !== undefined && !key[2]!.slice(3).includes(opened)) fence = opened
  })
  return (inTable, key) => places.get(`${inTable}\n${key}`) ?? places.get(`${inTable === '' ? key : `${inTable}.${key}`}\n`) ?? null
}

function note(places: Map<string, number>, table: string, key: string, index: number): void {
  if (!places.has(`${table}\n${key}`)) places.set(`${table}\n${key}`, index + 1)
}

/** The line (1-based) of a place in a text that is looked at once or twice; for many places there is `createLines`. */
export const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length

/** A text with its comments blanked, so that places stay what they are. */
export const withoutComments = (text: string, comments: RegExp): string =>
  text.replaceAll(comments, (found) => found.replaceAll(/[^\n]/g, ' '))

/** What stands between brackets, from behind the opening one to its partner; '' where there is none. */
export function upToPartner(text: string, start: number, [open, close]: readonly [string, string]): string {
  for (let [depth, at] = [1, start]; at < text.length; at++) {
    if (text[at] === open) depth++
    else if (text[at] === close && --depth === 0) return text.slice(start, at)
  }
  return ''
}
