import type { FileFacts, ImportFact } from '../../parsing/index.ts'
import { familyOf } from './families.ts'
import { maskText, stringAt } from './masked-text.ts'
import type { EdgeKind, Literal, ModuleFacts, WrittenImport } from './module.ts'
import { COMPUTED, GO_WAYS, OTHER_WAYS, PYTHON_STARTS, PYTHON_WAYS, SCRIPT_WAYS, type Ways } from './ways.ts'

const WAYS: Readonly<Record<string, Ways>> = { script: SCRIPT_WAYS, python: PYTHON_WAYS, go: GO_WAYS }
const LONGEST_LITERAL = 300
const FORM_KINDS: Readonly<Record<string, EdgeKind>> = {
  export: 'export',
  require: 'require',
  dynamic: 'dynamic',
  include: 'include',
  module: 'module',
}
/** Languages that see types of their own package without importing them. */
const NEIGHBOURS = new Set(['java', 'kotlin', 'scala', 'groovy', 'c-sharp'])
const BROKEN: Readonly<Record<string, string>> = {
  syntax: 'it does not parse',
  encoding: 'it is not UTF-8',
  deadline: 'parsing it takes too long',
  size: 'it is too long to be parsed',
  quarantined: 'a parser died of it',
}

type Source = { bytes: Uint8Array; facts: FileFacts; code: string; literalAt: (start: number) => string | undefined }

/** Reads out of one file's facts what leads to other files. Pure: the same bytes and facts give the same answer. */
export function readModule(bytes: Uint8Array, facts: FileFacts): ModuleFacts {
  const family = familyOf(facts.language)?.name ?? 'unknown'
  const ways = WAYS[family] ?? OTHER_WAYS
  const code = maskText(bytes, facts)
  const strings = new Map(facts.strings.map((span) => [span.start, span]))
  const literalAt = (start: number): string | undefined => {
    const span = strings.get(start) ?? strings.get(start - 1)
    return span && stringAt(bytes, span)
  }
  const source: Source = { bytes, facts, code, literalAt }
  const imports = facts.imports.map((each) => writtenImport(source, each, family))
  if (ways.named) imports.push(...namedImports(source, ways.named, family))
  if (family === 'python') imports.push(...pluginImports(source))
  const doubts = new Set<string>()
  const isBroken = facts.partial === 'syntax' && ways.loose !== null
  if (isBroken) imports.push(...looseImports(source, ways.loose!, imports))
  else if (facts.partial !== null) doubts.add(BROKEN[facts.partial]!)
  if (imports.some(({ specifier, kind }) => kind !== 'type' && specifier !== null && ways.programs.test(specifier)))
    doubts.add(ways.programReason)
  // one that is an import itself is told with its line
  if (ways.computed.test(code) && !imports.some(({ specifier }) => specifier === null)) doubts.add(COMPUTED)
  if (family === 'script' && /\bcreateRequire\s*\(/.test(code) && !/\brequire\s*=\s*(?:\w+\.)?createRequire\b/.test(code))
    doubts.add(COMPUTED)
  if (family === 'python' && PYTHON_STARTS.test(code)) doubts.add(ways.programReason)
  return {
    language: facts.language,
    tier: facts.tier,
    imports,
    ...declarations(source, family),
    literals: literalsOf(source, imports.length > 0),
    reads: ways.reads.test(code),
    doubts: [...doubts],
    isBroken,
    tests: facts.tests.length > 0,
  }
}

function writtenImport({ bytes, facts }: Source, each: ImportFact, family: string): WrittenImport {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + each.start, Math.min(each.end - each.start, 2000)).toString('utf8')
  const around = facts.scopes.filter(({ kind, start, end }) => kind === 'module' && start < each.start && end > each.start)
  const plain = each.specifier === null ? (/\(\s*`([^`$]*)`\s*[,)]/.exec(text)?.[1] ?? null) : each.specifier
  return {
    specifier: plain,
    kind: family === 'script' && isTypeOnly(text, each) ? 'type' : (FORM_KINDS[each.form] ?? 'import'),
    form: each.form,
    names: each.names.map(({ name }) => name),
    line: each.row + 1,
    text,
    around: family === 'rust' ? around.map(({ name }) => name ?? '') : [],
  }
}

/** `import type …`, and imports of which every name is a type. */
function isTypeOnly(text: string, { form, names }: ImportFact): boolean {
  if (form !== 'import' && form !== 'export') return false
  if (/^(?:import|export)\s+type\s+(?!from\s*['"])[\w${*]/.test(text)) return true
  const listed = /\{([^}]*)\}/.exec(text)?.[1]
  if (listed === undefined || names.length === 0 || !/^(?:import|export)\s*\{/.test(text)) return false
  const each = listed.split(',').filter((name) => name.trim() !== '')
  return each.length > 0 && each.every((name) => /^\s*type\s+\w/.test(name))
}

const lineOf = (bytes: Uint8Array, at: number): number => {
  let line = 1
  for (let next = bytes.indexOf(10); next !== -1 && next < at; next = bytes.indexOf(10, next + 1)) line++
  return line
}

/** Modules named in calls: mocks, `require.resolve`, `new URL`, `import_module`, `mock.patch`. */
function namedImports({ bytes, code, literalAt }: Source, named: RegExp, family: string): WrittenImport[] {
  const found: WrittenImport[] = []
  for (const match of code.matchAll(named)) {
    const at = match.index + match[0].length
    const specifier = literalAt(at)
    // a name with holes is computed
    if (specifier === undefined || /[${}\n]/.test(specifier) || specifier === '') continue
    if (family === 'python' && !/^[\w.]+$/.test(specifier)) continue
    if (/URL/.test(match[0]) && !/^\.{0,2}\//.test(specifier)) continue
    found.push({
      specifier,
      kind: /import_module|__import__|importorskip|[Aa]ctual|Original|resolve|URL/.test(match[0]) ? 'dynamic' : 'mock',
      form: 'named',
      names: [],
      line: lineOf(bytes, match.index),
      text: match[0],
      around: [],
    })
  }
  return found
}

/** Imports that an error of the parser may have hidden. */
function looseImports({ bytes }: Source, loose: RegExp, known: readonly WrittenImport[]): WrittenImport[] {
  const names = new Set(known.map(({ specifier }) => specifier))
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  return [...text.matchAll(loose)].flatMap(({ index, 0: whole, 2: name }) => {
    const specifier = Buffer.from(name!, 'latin1').toString('utf8')
    if (names.has(specifier)) return []
    names.add(specifier)
    return [{ specifier, kind: 'import', form: 'loose', names: [], line: lineOf(bytes, index), text: whole, around: [] } as const]
  })
}

/** `pytest_plugins = ["a.b", "c"]` */
function pluginImports({ bytes, facts, code }: Source): WrittenImport[] {
  const match = /^pytest_plugins\s*(?::[^=\n]*)?=\s*(?:[[(][^\])]*|[^\n]*)/m.exec(code)
  if (match === null) return []
  const inside = facts.strings.filter(({ start }) => start >= match.index && start < match.index + match[0].length)
  return inside.map((span) => ({
    specifier: stringAt(bytes, span),
    kind: 'import',
    form: 'named',
    names: [],
    line: span.row + 1,
    text: '',
    around: [],
  }))
}

/** Strings that may name files, but for those that name modules. */
function literalsOf({ bytes, facts }: Source, hasImports: boolean): Literal[] {
  const literals: Literal[] = []
  for (const { start, end, row } of facts.strings) {
    if (end - start > LONGEST_LITERAL || end - start < 3) continue
    if (hasImports && facts.imports.some((each) => each.start <= start && start < each.end)) continue
    const text = stringAt(bytes, { start, end })
    if (text !== '' && !text.includes('\n')) literals.push({ text, line: row + 1 })
  }
  return literals
}

const PACKAGE: Readonly<Record<string, RegExp>> = {
  java: /^\s*package\s+([\w.]+)/m,
  kotlin: /^\s*package\s+([\w.]+)/m,
  scala: /^\s*package\s+([\w.]+)/m,
  groovy: /^\s*package\s+([\w.]+)/m,
  'c-sharp': /^\s*namespace\s+([\w.]+)/m,
  php: /^\s*(?:<\?php\s+)?namespace\s+([\w\\]+)/m,
}

function declarations({ facts, code }: Source, family: string): Pick<ModuleFacts, 'declares' | 'package' | 'uses'> {
  const none = { declares: [], package: null, uses: new Map<string, number>() }
  if (family !== 'declared') return none
  if (facts.language === 'elixir') return { ...none, declares: elixirModules(facts), uses: receivers(facts) }
  const name = PACKAGE[facts.language]?.exec(code)?.[1] ?? ''
  const mark = facts.language === 'php' ? '\\' : '.'
  const declares = facts.definitions
    .filter(({ scope, function: inside, kind }) => inside === null && (scope === null || isSpace(facts, scope)) && kind !== 'namespace')
    .map((each) => (name === '' ? each.name : `${name}${mark}${each.name}`))
  const uses = new Map<string, number>()
  if (NEIGHBOURS.has(facts.language) || facts.language === 'php')
    for (const { name: used, row } of facts.references) if (/^\p{Lu}/u.test(used) && !uses.has(used)) uses.set(used, row + 1)
  return { declares: [...new Set(declares)], package: name, uses }
}

const isSpace = (facts: FileFacts, scope: number): boolean => /namespace|module|package/.test(facts.scopes[scope]?.kind ?? '')

/** `defmodule B` inside `defmodule A` is A.B. */
function elixirModules(facts: FileFacts): string[] {
  const full = new Map<number, string>()
  facts.scopes.forEach(({ name, parent }, index) => {
    const outer = parent === null ? undefined : full.get(parent)
    if (name !== null) full.set(index, outer === undefined ? name : `${outer}.${name}`)
  })
  return [...full.values()]
}

function receivers(facts: FileFacts): Map<string, number> {
  const uses = new Map<string, number>()
  for (const { receiver, row } of facts.calls)
    if (receiver !== null && /^\p{Lu}[\w.]*$/u.test(receiver) && !uses.has(receiver)) uses.set(receiver, row + 1)
  return uses
}
