const NAMES = /(?:key|token|secret|passw(?:or)?d|credential|authorization|cookie|private)/i
const HIDDEN = '[hidden]'

/** Shapes of well-known credentials, wherever they stand in a text. */
const SHAPES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}\b/g,
  /\b(?:ghp|gho|ghu|ghs|ghr|glpat|xox[abpsr])[-_][A-Za-z0-9-]{10,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}\b/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bAIza[0-9A-Za-z_-]{30,}\b/g,
  /(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /\bAGE-SECRET-KEY-[A-Z0-9-]{20,}/g,
]
// A text may have ten million characters: each pattern starts once per word and looks a bounded way ahead, never from every letter.
const BEARER = /\b(bearer|basic)\s{1,20}[A-Za-z0-9+/=._~-]{8,}/gi
const PASSWORD_IN_ADDRESS = /(?<![a-z0-9+.-])([a-z0-9][a-z0-9+.-]{0,40}:\/\/[^\s/:@]{0,200}):[^\s/@]{1,200}@/gi
const NAME = String.raw`(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{0,80}(?:key|token|secret|passw(?:or)?d)[A-Za-z0-9_]{0,80})`
const ASSIGNMENT = new RegExp(String.raw`${NAME}(\s{0,20}[=:]\s{0,20})("[^"]*"|'[^']*'|[^\s,;]+)`, 'gi')
/** A value that can only be a credential: long, letters and digits mixed, no word of a program. */
const LITERAL = new RegExp(
  String.raw`${NAME}(["']?\s{0,20}[=:]\s{0,20}["']?)(?=[A-Za-z0-9+/_=-]{0,200}\d)(?=[A-Za-z0-9+/_=-]{0,200}[A-Za-z])([A-Za-z0-9+/_=-]{20,200}(?![A-Za-z0-9+/_=.(-])|[A-Za-z0-9+/_=-]{201}[A-Za-z0-9+/_=-]*)`,
  'gi',
)

function hideShapes(text: string): string {
  let clean = text
  for (const shape of SHAPES) clean = clean.replace(shape, HIDDEN)
  return clean.replace(PASSWORD_IN_ADDRESS, `$1:${HIDDEN}@`).replace(BEARER, `$1 ${HIDDEN}`)
}

/** Takes credentials out of a text. It rather hides too much than too little. */
export function redactText(text: string): string {
  return hideShapes(text).replace(ASSIGNMENT, `$1$2${HIDDEN}`)
}

/**
 * The same for text a model has to work with: `const token = next()` stays as it is, what looks like a credential goes, and so
 * does every value of `known`, wherever it stands.
 */
export function redactSecrets(text: string, known: readonly string[]): string {
  let clean = text
  for (const value of known) clean = clean.replaceAll(value, HIDDEN)
  return hideShapes(clean).replace(LITERAL, `$1$2${HIDDEN}`)
}

/** Values of an environment that are secrets by their name. Paths and short words are not: hiding `true` would hide half a text. */
export function secretValues(env: Readonly<Record<string, string | undefined>>): string[] {
  const values = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && NAMES.test(name) && value.length >= 12 && !/^[/~.]|\s/.test(value) ? [value] : [],
  )
  return [...new Set(values)].sort((a, b) => b.length - a.length)
}

/** The same for a value of any shape; what has a telling name is hidden whole. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth > 6) return '...'
  if (value instanceof Error) return { name: value.name, message: redactText(value.message), stack: redactText(value.stack ?? '') }
  if (Array.isArray(value)) return value.slice(0, 200).map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, NAMES.test(name) && isSecret(item) ? HIDDEN : redact(item, depth + 1)]),
  )
}

function isSecret(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
