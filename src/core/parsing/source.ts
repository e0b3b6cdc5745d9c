import type { NapiConfig, SgNode } from '@ast-grep/napi'
import { loadEngine } from './engine.ts'
import { LANGUAGES, type LanguageId } from './languages.ts'

/** A node of a syntax tree. Its `range().start.index` counts UTF-16 code units of the parsed text, as `slice` does. */
export type SyntaxNode = SgNode

/** What to look for: an ast-grep rule with constraints and utilities. */
export type Matcher = NapiConfig

export type ParsedSource = {
  readonly language: LanguageId
  readonly text: string
  readonly root: SyntaxNode
  /** Places that do not parse: error nodes and tokens the parser had to invent. 0 means the text is valid. */
  errorCount(): number
}

// A node without text is a token that is missing in the source; error nodes wrap what fits nowhere.
const ERRORS = { rule: { any: [{ kind: 'ERROR' }, { regex: '^$' }] } } as NapiConfig

/** Languages whose grammar could be loaded here. */
export function availableLanguages(): ReadonlySet<LanguageId> {
  return loadEngine().available
}

/** Parses text; never fails on bad syntax (see `errorCount`). `undefined` where this installation has no grammar for the language. */
export function parseSource(text: string, language: LanguageId): ParsedSource | undefined {
  const { engine, available } = loadEngine()
  if (!available.has(language)) return undefined
  const root = engine.parse(LANGUAGES[language].engineName, text).root() as SyntaxNode
  let errors: number | undefined
  return {
    language,
    text,
    root,
    errorCount() {
      // An empty file's root has no text either, and is no error.
      errors ??= text.trim() === '' ? 0 : root.findAll(ERRORS).length
      return errors
    },
  }
}

/** True where the text parses without errors, or where no grammar can tell. */
export function parses(text: string, language: LanguageId): boolean {
  return (parseSource(text, language)?.errorCount() ?? 0) === 0
}
