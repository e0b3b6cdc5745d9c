import type { DefinitionFact, FileFacts } from '../parsing/index.ts'

/** What a file offers to others by name. */
export type ExportedName = {
  /** As others have to say it. */
  name: string
  kind: string
  /** From 1, inclusive. */
  line: number
  lineEnd: number
  /** Whether its own file says the name elsewhere. */
  usedInside: boolean
  /** Something stands in front of it that may take it by itself: a decorator, an attribute. */
  decorated: boolean
}

const SCRIPT = new Set(['javascript', 'typescript', 'tsx'])
const EXPORT = /(?:^|[\n;}])[ \t]*export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:(?:const|let|var)\s+)?$/
/** A function that is a value begins behind the name it is given. */
const EXPORT_VALUE = /(?:^|[\n;}])[ \t]*export\s+(?:const|let|var)\s+([\w$]+)\s*(?::[^\n]*?)?=\s*$/
const EXPORT_LIST = /(?:^|[\n;}])[ \t]*export\s+(?:type\s+)?\{([^}]*)\}(?!\s*from\b)/g
const ATTRIBUTE =
  /(?:^|\n)[ \t]*(?:@[^\n]*|#\[[^\n]*\])\n(?:[ \t]*(?:@[^\n]*|#\[[^\n]*\]|export\s+(?:default\s+)?)\n?)*[ \t]*(?:export\s+|pub\s+|async\s+|abstract\s+)*$/

/** Languages whose files say, by a word or by the form of a name, what others may use. */
export const isJudged = (language: string): boolean =>
  SCRIPT.has(language) || language === 'python' || language === 'go' || language === 'rust'

/**
 * The names of a file's outermost definitions that other files may use: `export` in JavaScript and TypeScript (default exports have no
 * name to look for), capital letters in Go, `pub` in Rust, names without an underscore in Python. Methods belong to their types.
 */
export function exportedNames(bytes: Uint8Array, facts: FileFacts): ExportedName[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const outermost = facts.definitions.filter(({ scope, function: inside }) => scope === null && inside === null)
  const lists = SCRIPT.has(facts.language) ? exportLists(text) : []
  return outermost.flatMap((each) => {
    const before = text.slice(Math.max(0, each.start - 200), each.start)
    const listed = lists.find(({ local }) => local === each.name)
    const name = isExported(facts.language, each, before, text) ? each.name : (listed?.name ?? null)
    if (name === null || name === 'default') return []
    const isOther = ({ start }: { start: number }): boolean =>
      start !== each.nameStart &&
      !(start >= each.nameStart && start < each.nameEnd) &&
      !lists.some(({ from, to }) => start >= from && start < to)
    const usedInside = facts.references.some((reference) => reference.name === each.name && isOther(reference))
    return [
      {
        name,
        kind: each.kind,
        line: each.row + 1,
        lineEnd: each.rowEnd + 1,
        usedInside,
        decorated: ATTRIBUTE.test(before) || /^\s*@/.test(text.slice(each.start, each.start + 40)),
      },
    ]
  })
}

function isExported(language: string, { name, kind, start }: DefinitionFact, before: string, text: string): boolean {
  if (SCRIPT.has(language)) return EXPORT.test(before) || EXPORT_VALUE.exec(before)?.[1] === name
  if (language === 'rust') return /^pub\s/.test(text.slice(start, start + 4))
  if (language === 'go') return /^\p{Lu}/u.test(name) && kind !== 'method'
  return !name.startsWith('_') && (kind === 'function' || kind === 'class') && name !== 'main'
}

function exportLists(text: string): { local: string; name: string; from: number; to: number }[] {
  return [...text.matchAll(EXPORT_LIST)].flatMap((match) => {
    const place = { from: match.index, to: match.index + match[0].length }
    return match[1]!.split(',').flatMap((part) => {
      const [, local, alias] = /^\s*(?:type\s+)?([\w$]+)(?:\s+as\s+([\w$]+))?\s*$/.exec(part) ?? []
      return local === undefined ? [] : [{ local, name: alias ?? local, ...place }]
    })
  })
}
