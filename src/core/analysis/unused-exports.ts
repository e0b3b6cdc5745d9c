import { posix } from 'node:path'
import type { FileFacts } from '../parsing/index.ts'
import { type ExportedName, exportedNames, isJudged } from './exported-names.ts'

/** Why something nobody names may be in use all the same. */
export type Doubt = {
  /**
   * `mentioned`: another file says the word in a text, a comment or a string; `file`: nobody imports its file, which may be an entry or be
   * loaded by its path; `public`: a package offers it to others; `decorated`: what stands in front of it may take it; `tests`: only tests
   * name it.
   */
  kind: 'mentioned' | 'file' | 'public' | 'decorated' | 'tests'
  path: string | null
  line: number | null
}

export type UnusedExport = Omit<ExportedName, 'usedInside' | 'decorated'> & {
  path: string
  language: string
  /** Who names it: nobody; its own file, so that only the export is too much; tests. */
  used: 'nowhere' | 'own_file' | 'tests'
  doubts: Doubt[]
}

export type UnusedExports = {
  /** Names that were looked at. */
  exports: number
  proposals: UnusedExport[]
}

type Source = { path: string; class: 'source' | 'test'; language: string; bytes: Uint8Array; facts: FileFacts | null }

type Names = { source: string[]; test: string[] }

/** More files that use a name say no more. */
const ENOUGH = 2

/**
 * Exports that no other file names. Names are compared, not bindings: one that is called like something in use counts as used, so that
 * what is proposed is named nowhere. `add` takes every file; `finish` judges, with a look at the words of all texts.
 */
export function createUnusedExports() {
  const uses = new Map<string, Names>()
  const candidates: (ExportedName & { path: string; language: string })[] = []
  const stems = new Set<string>()
  const passedOn = new Map<string, string[]>()
  let exports = 0

  function use(name: string, path: string, list: keyof Names): void {
    const known = uses.get(name) ?? { source: [], test: [] }
    uses.set(name, known)
    if (known[list].length < ENOUGH && known[list].at(-1) !== path) known[list].push(path)
  }

  function add({ path, class: name, language, bytes, facts }: Source): void {
    if (facts === null) return
    const list = name === 'test' ? 'test' : 'source'
    for (const { name: each } of facts.references) use(each, path, list)
    for (const { name: each } of facts.calls) if (each !== null) use(each, path, list)
    for (const { specifier, form, names } of facts.imports) {
      for (const each of names) use(each.name, path, list)
      if (specifier === null) continue
      stems.add(stemOf(specifier))
      if (form === 'export' && names.length === 0) passedOn.set(path, [...(passedOn.get(path) ?? []), specifier])
    }
    if (name === 'test' || !isJudged(language)) return
    const own = exportedNames(bytes, facts)
    exports += own.length
    for (const each of own) candidates.push({ ...each, path, language })
  }

  /**
   * @param texts every file again, for the words in strings, comments and documents
   * @param entries files that packages offer, as their manifests say
   */
  async function finish(texts: AsyncIterable<{ path: string; bytes: Uint8Array }>, entries: readonly string[]): Promise<UnusedExports> {
    const open = candidates.filter(({ name, path, usedInside, language }) => {
      const others = (uses.get(name)?.source ?? []).some((each) => each !== path)
      // elsewhere only JavaScript's `export` is a word that could go by itself
      return !others && !(usedInside && !['javascript', 'typescript', 'tsx'].includes(language))
    })
    const mentions = await findMentions(texts, open)
    const offered = offeredBy(entries)
    const proposals = open.map(({ usedInside, decorated, ...each }): UnusedExport => {
      const tests = (uses.get(each.name)?.test ?? []).filter((path) => path !== each.path)
      const mention = mentions.get(each.name)?.find(({ path }) => path !== each.path)
      const doubts: Doubt[] = [
        ...(tests.length > 0 ? [{ kind: 'tests' as const, path: tests[0]!, line: null }] : []),
        ...(mention !== undefined && tests.length === 0 ? [{ kind: 'mentioned' as const, ...mention }] : []),
        ...(isImported(each.path) ? [] : [{ kind: 'file' as const, path: each.path, line: null }]),
        ...(offered.has(withoutExtension(each.path)) ? [{ kind: 'public' as const, path: each.path, line: null }] : []),
        ...(decorated ? [{ kind: 'decorated' as const, path: each.path, line: each.line }] : []),
      ]
      return { ...each, used: usedInside ? 'own_file' : tests.length > 0 ? 'tests' : 'nowhere', doubts }
    })
    return { exports, proposals: proposals.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1)) }
  }

  /** By the last part of its name: whoever imports a file says it. */
  function isImported(path: string): boolean {
    const stem = stemOf(path)
    if (path.endsWith('.go')) return true // by package, and inside of one without a word
    return stems.has(stem) || (/^(?:index|__init__|mod|lib|main)$/.test(stem) && stems.has(stemOf(posix.dirname(path))))
  }

  /** Entries, and what they pass on with `export *`. */
  function offeredBy(entries: readonly string[]): ReadonlySet<string> {
    const files = new Map([...passedOn.keys()].map((path) => [withoutExtension(path), path]))
    const found = new Set<string>()
    const front = entries.map(withoutExtension)
    for (let each = front.pop(); each !== undefined; each = front.pop()) {
      if (found.has(each)) continue
      found.add(each)
      for (const specifier of passedOn.get(files.get(each) ?? '') ?? []) {
        const target = withoutExtension(posix.join(posix.dirname(each), specifier))
        front.push(target, `${target}/index`)
      }
    }
    return found
  }

  return { add, finish }
}

const WORD = /[A-Za-z_$][\w$]*/g

async function findMentions(
  texts: AsyncIterable<{ path: string; bytes: Uint8Array }>,
  open: readonly { name: string; path: string }[],
): Promise<Map<string, { path: string; line: number }[]>> {
  const wanted = new Set(open.map(({ name }) => name))
  const found = new Map<string, { path: string; line: number }[]>()
  if (wanted.size === 0) return found
  for await (const { path, bytes } of texts) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    for (const { 0: word, index } of text.matchAll(WORD)) {
      // a part of a path names a file
      if (!wanted.has(word) || text[index - 1] === '/' || text[index + word.length] === '/') continue
      const known = found.get(word) ?? []
      found.set(word, known)
      // one of another file is enough, and one may be its own
      if (known.length < ENOUGH && known.at(-1)?.path !== path) known.push({ path, line: text.slice(0, index).split('\n').length })
    }
  }
  return found
}

const EXTENSION = /(?:\.d)?\.(?:[cm]?[jt]sx?|pyi?|go|rs|vue|svelte)$/

const withoutExtension = (path: string): string => path.replace(EXTENSION, '')

/** './parts/date.ts', 'parts.date' and 'parts::date' are called date. */
const stemOf = (path: string): string =>
  withoutExtension(path)
    .split(/[/\\:]|\.(?=[^./])/)
    .findLast((part) => part !== '' && part !== '.' && part !== '..') ?? ''

/** The files that a package.json offers: main, module, types, bin, exports; built ones as the sources they are likely made of. */
export function entriesOf(manifest: string, text: string): string[] {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text) as Record<string, unknown>
  } catch {
    return []
  }
  const found: string[] = []
  const open: unknown[] = ['main', 'module', 'browser', 'types', 'typings', 'bin', 'exports'].map((key) => value?.[key])
  for (let each = open.pop(); each !== undefined || open.length > 0; each = open.pop()) {
    if (typeof each === 'string') found.push(posix.join(posix.dirname(manifest), each))
    else if (typeof each === 'object' && each !== null) open.push(...Object.values(each))
  }
  if (found.length === 0) found.push(posix.join(posix.dirname(manifest), 'index.js'))
  return found.flatMap((path) => [path, path.replace(/(^|\/)(?:dist|lib|build|out)\//, '$1src/')])
}
