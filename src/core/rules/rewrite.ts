import { parseSource, type LanguageId, type ParsedSource } from '../parsing/index.ts'
import { applyEdits, composeEdits, type TextEdit } from './edits.ts'
import { importEdits } from './go-imports.ts'
import { hasLiterals, matchRule, toEdits, withoutOverlaps } from './match.ts'
import type { Rule } from './rule.ts'

/** More passes than nested matches ever need; a rule that goes on rewriting its own output is wrong. */
export const PASS_LIMIT = 10

export type Rewrite = {
  text: string
  /** Edits of the given text, sorted, without overlaps; edits with one group number belong together. */
  edits: readonly TextEdit[]
}

export type RewriteFailure = 'no-grammar' | 'does-not-parse' | 'breaks-syntax' | 'never-settles'

/**
 * Applies one rule to one text until it matches no more (so a second run changes nothing), and checks that the result
 * still parses. Answers the reason where the text must be left alone, and a rewrite without edits where nothing matches.
 */
export function rewrite(rule: Rule, text: string, language: LanguageId, parsed?: ParsedSource): Rewrite | RewriteFailure {
  if (!hasLiterals(rule, text)) return { text, edits: [] }
  const base = parsed ?? parseSource(text, language)
  if (base === undefined) return 'no-grammar'
  let edits: TextEdit[] = []
  let source = base
  let groups = 0
  for (let pass = 0; pass <= PASS_LIMIT; pass++) {
    const matches = withoutOverlaps(matchRule(rule, source))
    if (matches.length === 0) {
      return edits.length === 0 ? { text, edits } : finish(rule, text, edits, source)
    }
    if (base.errorCount() > 0) return 'does-not-parse'
    edits = composeEdits(edits, toEdits(matches, groups))
    groups += matches.length
    source = parseSource(applyEdits(text, edits), language)!
    if (source.errorCount() > 0) return 'breaks-syntax'
  }
  return 'never-settles'
}

/** Import lines follow what the whole file uses, so every edit of the file then stands or falls with them. */
function finish(rule: Rule, text: string, edits: TextEdit[], source: ParsedSource): Rewrite | RewriteFailure {
  const imports = source.language === 'go' ? importEdits(source, rule.imports ?? {}) : []
  if (imports.length === 0) return { text: source.text, edits }
  const composed = composeEdits(
    edits,
    imports.map((edit) => ({ ...edit, group: 0 })),
  ).map((edit) => ({ ...edit, group: 0 }))
  const result = applyEdits(text, composed)
  return parseSource(result, source.language)!.errorCount() > 0 ? 'breaks-syntax' : { text: result, edits: composed }
}
