import { isUtf8 } from 'node:buffer'
import type { FileFacts } from '../parsing/index.ts'
import { definitionsOf } from './symbols.ts'

export type Tag = {
  name: string
  path: string
  /** From 1, inclusive. */
  line: number
  lineEnd: number
  kind: string
  container: string | null
  /** What `container` is; null where no definition says. */
  containerKind: string | null
  language: string
  /** The line of the name as an editor looks for it; null where its bytes are no text. */
  text: string | null
}

/** Letters of a line that make a pattern, as universal-ctags does by default. */
const LONGEST = 96

/** The definitions of a file, in the order of their lines. */
export function tagsOf(path: string, bytes: Uint8Array, facts: FileFacts): Tag[] {
  const starts = [0]
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
  const textOf = (row: number): string | null => {
    const line = bytes.subarray(starts[row], (starts[row + 1] ?? bytes.length + 1) - 1)
    const text = isUtf8(line)
      ? Buffer.from(line)
          .toString('utf8')
          .replace(/\r$/, '')
          .replace(/^\ufeff/, '')
      : null
    return text === null || /[^\P{Cc}\t]/u.test(text) ? null : text
  }
  const places = definitionsOf(bytes, facts)
  const kinds = new Map<string, string>()
  for (const { name, container, kind } of places) {
    const full = container === null ? name : `${container}.${name}`
    if (!kinds.has(full)) kinds.set(full, kind)
  }
  return places.map(({ name, kind, container, nameLine, lineEnd }) => ({
    name,
    path,
    line: nameLine,
    lineEnd,
    kind,
    container,
    containerKind: container === null ? null : (kinds.get(container) ?? null),
    language: facts.language,
    text: textOf(nameLine - 1),
  }))
}

const HEADERS: readonly (readonly [string, string, string])[] = [
  ['FILE_FORMAT', '2', 'extended format'],
  ['FILE_SORTED', '1', '0=unsorted, 1=sorted, 2=foldcase'],
  ['FILE_ENCODING', 'utf-8', ''],
  ['OUTPUT_MODE', 'u-ctags', 'u-ctags or e-ctags'],
  ['OUTPUT_FILESEP', 'slash', 'slash or backslash'],
  ['PROGRAM_NAME', 'singularity', ''],
]

/**
 * A tags file as universal-ctags writes it (tags(5), version 2): sorted by bytes, so that editors may search it by halves.
 * @param pathOf how the file names a path: editors start from the folder the tags file lies in
 */
export function formatTags(tags: readonly Tag[], version: string, pathOf: (path: string) => string = (path) => path): string {
  const header = [...HEADERS, ['PROGRAM_VERSION', version, ''] as const].map(([name, value, note]) => `!_TAG_${name}\t${value}\t/${note}/`)
  const lines = new Set([...header, ...tags.map((tag) => lineOf(tag, pathOf(tag.path)))])
  const sorted = [...lines].map((line) => Buffer.from(`${line}\n`)).sort(Buffer.compare)
  return Buffer.concat(sorted).toString('utf8')
}

function lineOf({ name, line, lineEnd, kind, container, containerKind, language, text }: Tag, path: string): string {
  const fields = [kind, `line:${line}`, `language:${escape(language)}`]
  if (container !== null) fields.push(`${containerKind ?? 'scope'}:${escape(container)}`)
  if (lineEnd > line) fields.push(`end:${lineEnd}`)
  const address = text === null ? String(line) : pattern(text)
  // a name that begins like a header would be taken for one
  return [escape(name).replace(/^[! ]/, (first) => (first === '!' ? '\\x21' : '\\x20')), escape(path), `${address};"`, ...fields].join('\t')
}

function pattern(text: string): string {
  const cut = [...text].slice(0, LONGEST).join('')
  const whole = cut === text
  const body = cut.replaceAll('\\', '\\\\').replaceAll('/', '\\/')
  return `/^${whole ? body.replace(/\$$/, '\\$') : body}${whole ? '$' : ''}/`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escape(text: string): string {
  return text.replace(/[\\\p{Cc}]/gu, (one) => ESCAPES[one] ?? `\\x${one.codePointAt(0)!.toString(16).padStart(2, '0')}`)
}
