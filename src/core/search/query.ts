import { splitIdentifiers } from '../embedding/index.ts'
import { queryWords } from './words.ts'

export type QueryClass = 'symbol' | 'path' | 'quoted' | 'error' | 'natural'

export type Query = {
  text: string
  class: QueryClass
  /** Distinct words, at most 48. */
  words: readonly string[]
  /** Texts in quotation marks, which have to stand there as they are. */
  quoted: readonly string[]
  /** Names as they may be defined: `a.b` gives both. */
  symbols: readonly { name: string; container: string | null }[]
}

const QUOTED = /"([^"\n]{1,500})"|“([^”\n]{1,500})”|`([^`\n]{1,500})`/g
const IDENTIFIER = /^[\p{L}_$@#][\p{L}\p{N}_$]*(?:(?:\.|::|#|->|\/\d+)[\p{L}_$][\p{L}\p{N}_$]*)*[!?]?(?:\(\))?$/u
const MIXED = /\p{L}[.#]\p{L}|\p{Ll}\p{Lu}|_|\p{L}\d|::|\(\)|^[\p{Lu}_\d]{3,}$|^\p{Lu}\p{Ll}+\p{Lu}/u
const ERROR =
  /\b\w*(?:Error|Exception|Warning|Panic|Fault)\b|\b(?:error|fatal|panic|failed|cannot|unexpected|undefined|invalid|denied)\b.*[:'"`[({]|^\s*at .+:\d+|\bE[A-Z]{4,}\b|\bTraceback\b/
const ENDINGS =
  'astro|bash|c|cc|cfg|cjs|clj|cpp|cs|css|cts|dart|erl|ex|exs|fs|go|gradle|graphql|h|hcl|hpp|hs|html|ini|java|jl|js|json|jsx|kt|lock|lua|md|mjs|ml|mts|nix|php|pl|proto|py|pyi|r|rb|rs|scala|scss|sh|sql|svelte|swift|tf|toml|ts|tsx|txt|vue|xml|yaml|yml|zig'
const PATH = new RegExp(String.raw`^(?:\.{0,2}/)?[\w@.+-]+(?:/[\w@.+-]*)+$|^[\w@+-]+(?:\.[\w-]+)*\.(?:${ENDINGS})$`, 'i')

/** What somebody seems to look for; `text` is at most 20,000 characters of what was asked. */
export function readQuery(asked: string): Query {
  const text = asked.slice(0, 20_000).trim()
  const quoted = [...text.matchAll(QUOTED)].map((found) => (found[1] ?? found[2] ?? found[3] ?? '').trim()).filter((each) => each !== '')
  const name = classOf(text, quoted)
  return { text, class: name, words: queryWords(text), quoted: name === 'quoted' ? quoted : [], symbols: symbolsIn(text, name) }
}

function classOf(text: string, quoted: readonly string[]): QueryClass {
  if (quoted.length > 0) return 'quoted'
  if (!/\s/.test(text)) {
    if (PATH.test(text)) return 'path'
    if (IDENTIFIER.test(text)) return 'symbol'
  }
  return ERROR.test(text) ? 'error' : 'natural'
}

/** A question in words names a symbol only where it is written like one. */
function symbolsIn(text: string, name: QueryClass): { name: string; container: string | null }[] {
  const candidates = text
    .slice(0, 2000)
    .split(/[\s,;'"`()[\]{}<>]+/)
    .map((word) => word.replace(/^[@#]|[!?.:]+$/g, ''))
    .filter((word) => IDENTIFIER.test(word) && (name === 'symbol' || MIXED.test(word)))
  return [...new Set(candidates)].slice(0, 12).map((word) => {
    const parts = word
      .replace(/\(\)$/, '')
      .split(/\.|::|#|->|\/\d+/)
      .filter((part) => part !== '')
    return { name: parts.at(-1) ?? word, container: parts.length > 1 ? parts.slice(0, -1).join('.') : null }
  })
}

/** Words as FTS5 reads them; nothing of the query is syntax. Empty where there is no word. */
export function matchText(words: readonly string[]): string {
  return words.map((word) => `"${word.replaceAll('"', '')}"`).join(' OR ')
}

/** All words of a text in a row. */
export function phraseText(text: string): string {
  return `"${splitIdentifiers(text).join(' ')}"`
}

/** A question of fewer words is asked for every one of them. */
const QUESTION_WORDS = 3

/** Whether two thirds of the words of a question stand nowhere here: what the rest finds by chance is no answer. */
export function isForeign({ class: name, words }: Pick<Query, 'class' | 'words'>, stands: (word: string) => boolean): boolean {
  return name === 'natural' && words.length >= QUESTION_WORDS && words.filter(stands).length * 3 < words.length
}
