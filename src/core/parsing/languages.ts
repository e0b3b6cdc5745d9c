/** Languages with a syntax tree here. `grammar` names the one of native/grammars.json; ast-grep itself carries those without. */
export const LANGUAGES = {
  javascript: {
    name: 'JavaScript',
    family: 'javascript',
    engineName: 'JavaScript',
    extensions: ['js', 'mjs', 'cjs', 'jsx'],
    grammar: null,
  },
  typescript: { name: 'TypeScript', family: 'javascript', engineName: 'TypeScript', extensions: ['ts', 'mts', 'cts'], grammar: null },
  tsx: { name: 'TSX', family: 'javascript', engineName: 'Tsx', extensions: ['tsx'], grammar: null },
  html: { name: 'HTML', family: 'html', engineName: 'Html', extensions: ['html', 'htm'], grammar: null },
  css: { name: 'CSS', family: 'css', engineName: 'Css', extensions: ['css'], grammar: null },
  python: { name: 'Python', family: 'python', engineName: 'python', extensions: ['py', 'pyi'], grammar: 'python' },
  go: { name: 'Go', family: 'go', engineName: 'go', extensions: ['go'], grammar: 'go' },
  rust: { name: 'Rust', family: 'rust', engineName: 'rust', extensions: ['rs'], grammar: 'rust' },
  java: { name: 'Java', family: 'java', engineName: 'java', extensions: ['java'], grammar: 'java' },
  ruby: { name: 'Ruby', family: 'ruby', engineName: 'ruby', extensions: ['rb', 'rake', 'gemspec'], grammar: 'ruby' },
  c: { name: 'C', family: 'c', engineName: 'c', extensions: ['c', 'h'], grammar: 'c' },
} as const satisfies Record<string, LanguageEntry>

type LanguageEntry = { name: string; family: string; engineName: string; extensions: readonly string[]; grammar: string | null }

export type LanguageId = keyof typeof LANGUAGES

/** Languages whose tokens mean the same: JavaScript, TypeScript and TSX are one family. */
export type LanguageFamily = (typeof LANGUAGES)[LanguageId]['family']

const BY_EXTENSION = new Map<string, LanguageId>(
  Object.entries(LANGUAGES).flatMap(([id, entry]) => entry.extensions.map((extension) => [extension, id as LanguageId] as const)),
)

const BY_INTERPRETER: readonly (readonly [RegExp, LanguageId])[] = [
  [/^#!.*\b(?:node|nodejs|bun)\b/, 'javascript'],
  [/^#!.*\bpython[0-9.]*\b/, 'python'],
  [/^#!.*\bruby\b/, 'ruby'],
]

export const LANGUAGE_IDS = Object.keys(LANGUAGES) as LanguageId[]

export function isLanguageId(text: string): text is LanguageId {
  return Object.hasOwn(LANGUAGES, text)
}

/**
 * The language of a file by its extension, or by its interpreter line where there is no extension.
 * `undefined` where no syntax tree can be had.
 */
export function languageOf(path: string, firstLine = ''): LanguageId | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  if (dot > 0) return BY_EXTENSION.get(name.slice(dot + 1).toLowerCase())
  return BY_INTERPRETER.find(([pattern]) => pattern.test(firstLine))?.[1]
}

export function familyOf(language: LanguageId): LanguageFamily {
  return LANGUAGES[language].family
}
