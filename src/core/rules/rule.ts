import type { LanguageId, Matcher } from '../parsing/index.ts'

/** `safe`: the same for every input. `semantic`: differs for rare inputs the reason names. `experimental`: only when asked for by id. */
export type Safety = 'safe' | 'semantic' | 'experimental'

/** Lowest versions a rewritten program needs, per runtime. `ecma` is a year. */
export type Requires = Partial<Record<Runtime, string>>

export type Runtime = 'node' | 'ecma' | 'python' | 'go' | 'rust' | 'java' | 'ruby' | 'c'

/** Conditions a pattern cannot say. Names in lists are metavariables without `$`. */
export type Guards = {
  /** Evaluating these twice, never or elsewhere changes nothing: no call, assignment, `new`, await, yield, delete. */
  pure?: readonly string[]
  /** These expressions are booleans by their own form. */
  boolean?: readonly string[]
  /** These expressions are strings by their own form. */
  string?: readonly string[]
  /** These expressions are arrays by their own form, or names bound once to such an expression. */
  array?: readonly string[]
  /** These identifiers are declared in the same file. */
  declared?: readonly string[]
  /** These two nodes have the same text, whatever their kinds. */
  sameText?: readonly string[]
  /** These global names are not redefined anywhere in the file. */
  noShadow?: readonly string[]
  /** The match is neither assigned to, updated nor deleted. */
  notWritten?: true
  /** The match's value is used only for its truth. */
  truthOnly?: true
  /** The file's text has (or lacks) this; plain text, not a pattern. */
  fileHas?: readonly string[]
  fileLacks?: readonly string[]
}

/** Replaces the text of one captured node instead of the whole match. */
export type TargetedFix = { readonly node: string; readonly text: string }

/** Makes a new variable out of a captured one; literal operations only, so that a rule from a hostile clone cannot hang us. */
export type Transform = {
  from: string
  strip?: readonly [prefix: string, suffix: string]
  replaceAll?: readonly [from: string, to: string]
}

export type RuleExample = { before: string; after: string; language?: LanguageId }

export type Rule = {
  id: string
  version: number
  languages: readonly LanguageId[]
  title: string
  reason: string
  reference: string
  /** Texts a file must all contain to be worth parsing. */
  literals: readonly string[]
  rule: Matcher['rule']
  constraints?: Matcher['constraints']
  utils?: Matcher['utils']
  guards?: Guards
  transform?: Readonly<Record<string, Transform>>
  fix: string | readonly TargetedFix[]
  /** Go: packages the fix may stop using or start using; import lines are kept right. */
  imports?: { add?: readonly string[]; drop?: readonly string[] }
  safety: Safety
  requires: Requires
  /** 1 (tidiness) to 5 (removes a class of bugs): candidates of equal safety are offered by it. */
  value: number
  invalid: readonly RuleExample[]
  valid: readonly string[]
  /** 'built-in', or the path of the pack in the repository. */
  origin: string
}

export type RulePack = { pack: string; rules: readonly Omit<Rule, 'origin'>[] }
