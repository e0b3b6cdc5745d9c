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
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
]
const BEARER = /\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}/gi
const PASSWORD_IN_ADDRESS = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi
const ASSIGNMENT = /\b([A-Za-z0-9_.-]*(?:key|token|secret|passw(?:or)?d)[A-Za-z0-9_]*)(\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;]+)/gi

/** Takes credentials out of a text. It rather hides too much than too little. */
export function redactText(text: string): string {
  let clean = text
  for (const shape of SHAPES) clean = clean.replace(shape, HIDDEN)
  return clean.replace(PASSWORD_IN_ADDRESS, `$1:${HIDDEN}@`).replace(BEARER, `$1 ${HIDDEN}`).replace(ASSIGNMENT, `$1$2${HIDDEN}`)
}

/** In source text a name alone tells nothing (`token = next()`): only a literal that looks like a credential is hidden. */
const LITERAL_ASSIGNMENT =
  /\b([A-Za-z0-9_.-]*(?:key|token|secret|passw(?:or)?d)[A-Za-z0-9_]*["']?\s*(?::=|[=:])\s*)(["'`])([^"'`\s${}]{8,})\2/gi

/** Takes credentials out of source text that somebody has to work with: names and expressions stay. */
export function redactSource(text: string): string {
  let clean = text
  for (const shape of SHAPES) clean = clean.replace(shape, HIDDEN)
  return clean
    .replace(PASSWORD_IN_ADDRESS, `$1:${HIDDEN}@`)
    .replace(LITERAL_ASSIGNMENT, (whole, name: string, quote: string, value: string) =>
      /\d/.test(value) && /[A-Za-z]/.test(value) ? `${name}${quote}${HIDDEN}${quote}` : whole,
    )
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
