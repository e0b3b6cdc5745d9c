import {
  BITS,
  BRANCH,
  ENTITIES,
  HAS_RULES,
  type Condition,
  type LanguageTable,
  type Paths,
  type Role,
  type Rule,
} from './language-table.ts'

/** The symbols of a grammar as one engine numbers them. */
export type GrammarSymbols = {
  /** Name by symbol id; `undefined` for ids that no node carries. */
  names: readonly (string | undefined)[]
  named: readonly boolean[]
  /** Field name by field id; id 0 is none. */
  fields: readonly (string | null | undefined)[]
}

export const STEP = { field: 0, kind: 1, nth: 2, up: 3, previous: 4, deep: 5, descendants: 6 } as const
/** `set` is an index of `CompiledTable.sets` for kinds and fields, a count for `nth`. */
export type Step = { op: number; arg: number }
export type Path = readonly Step[]

export const SCOPES = ['file', 'class', 'module', 'function'] as const

export type CompiledCondition = {
  negative: boolean
  paths: readonly Path[]
  /** Sets of symbols and of fields, or -1. */
  kinds: number
  fields: number
  text: readonly Uint8Array[]
  prefix: readonly Uint8Array[]
  contains: readonly Uint8Array[]
  /** Bits by index of SCOPES; 0 where any. */
  scopes: number
}

export type CompiledRule = {
  bits: number
  /** 1 + index of ENTITIES, 0 for none. */
  entity: number
  /** Rules of one group exclude each other: the first that holds counts. 0: no group. */
  group: number
  /** Set of parent symbols / of own fields, or -1. */
  parents: number
  fields: number
  conditions: readonly CompiledCondition[]
  /** Index of `constants`, or -1. */
  as: number
  named: number
  /** 1: quotes around the name are taken off. */
  unquoted: number
  form: number
  state: number
  name: readonly Path[]
  nameFrom: readonly { parent: number; paths: readonly Path[] }[]
  specifier: readonly Path[]
  alias: readonly Path[]
  receiver: readonly Path[]
  /** Sets of fields / symbols of children one level deeper; both -1: all children. */
  bodyFields: number
  bodyKinds: number
}

export type CompiledTable = {
  language: string
  /** Role bits by symbol id. */
  bits: Uint32Array
  /** The first symbol of the same name: operators of one name are one operator. */
  canonical: Uint16Array
  /** Rules by symbol id. */
  rulesOf: readonly (readonly number[])[]
  rules: readonly CompiledRule[]
  /** Membership by symbol or field id. */
  sets: readonly Uint8Array[]
  constants: readonly Uint8Array[]
  statements: boolean
  /** Constants: a function directly in a class is called a method. */
  functionWord: number
  methodWord: number
}

export class UnknownKindError extends Error {
  readonly language: string
  readonly words: readonly string[]
  constructor(language: string, words: readonly string[]) {
    super(`the table of ${language} names what its grammar does not have: ${words.join(', ')}`)
    this.name = 'UnknownKindError'
    this.language = language
    this.words = words
  }
}

const DEFAULT_AS: Partial<Record<Role, string>> = {
  function: 'function',
  lambda: 'lambda',
  class: 'class',
  module: 'module',
  definition: 'variable',
  test: 'case',
}
const NAMED_BY_THEMSELVES: readonly Role[] = ['parameter', 'definition', 'import_name']
const GROUPED: readonly Role[] = ['nest', 'chain']
const encode = (text: string) => new TextEncoder().encode(text)
const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T]

/** `a|b` are two kinds, `'||'` is one. */
export const kindsOfStep = (words: string): string[] => (words.startsWith("'") ? [words] : words.split('|'))

/**
 * Turns a table's words into numbers of one engine's grammar.
 * @throws UnknownKindError where the grammar has no such node kind or field
 */
export function compileTable(table: LanguageTable, symbols: GrammarSymbols): CompiledTable {
  const size = Math.max(symbols.names.length, symbols.fields.length) + 1
  const unknown = new Set<string>()
  const sets: Uint8Array[] = []
  const constants: Uint8Array[] = []
  const constantIds = new Map<string, number>()
  const byName = new Map<string, number[]>()
  symbols.names.forEach((name, id) => {
    if (name === undefined) return
    const key = symbols.named[id] ? name : `'${name}'`
    byName.set(key, [...(byName.get(key) ?? []), id])
  })
  const canonical = Uint16Array.from({ length: size }, (_, id) => id)
  for (const ids of byName.values()) for (const id of ids) canonical[id] = ids[0]!
  // A supertype is a kind no node carries; its name may be used for nothing here.
  const idsOf = (kind: string): number[] => {
    if (kind === 'ERROR') return []
    const ids = byName.get(kind)
    if (ids === undefined) unknown.add(kind)
    return ids ?? []
  }
  const fieldOf = (name: string): number => {
    const id = symbols.fields.indexOf(name)
    if (id < 1) unknown.add(`field ${name}`)
    return id
  }
  const setOf = (ids: readonly number[]): number => {
    const set = new Uint8Array(size)
    for (const id of ids) if (id >= 0) set[id] = 1
    sets.push(set)
    return sets.length - 1
  }
  const kindSet = (kinds: readonly string[]) => (kinds.length === 0 ? -1 : setOf(kinds.flatMap(idsOf)))
  const fieldSet = (fields: readonly string[]) => (fields.length === 0 ? -1 : setOf(fields.map(fieldOf)))
  const constant = (text: string | undefined): number => {
    if (text === undefined) return -1
    const known = constantIds.get(text)
    if (known !== undefined) return known
    constants.push(encode(text))
    constantIds.set(text, constants.length - 1)
    return constants.length - 1
  }
  const step = (word: string): Step => {
    if (word === '^') return { op: STEP.up, arg: 0 }
    if (word.startsWith('#')) return { op: STEP.nth, arg: Number.parseInt(word.slice(1), 10) }
    if (word.startsWith('**')) return { op: STEP.descendants, arg: kindSet(kindsOfStep(word.slice(2))) }
    if (word.startsWith('~')) return { op: STEP.previous, arg: kindSet(kindsOfStep(word.slice(1))) }
    if (word.startsWith(':')) return { op: STEP.kind, arg: kindSet(kindsOfStep(word.slice(1))) }
    if (word.endsWith('*')) return { op: STEP.deep, arg: fieldSet([word.slice(0, -1)]) }
    return { op: STEP.field, arg: fieldSet(word.split('|')) }
  }
  const path = (text: string): Path => (text === '.' ? [] : text.split(' > ').map(step))
  const paths = (text: Paths | undefined) => list(text).map(path)
  const condition =
    (negative: boolean) =>
    (words: Condition): CompiledCondition => ({
      negative,
      paths: words.at === undefined ? [[]] : paths(words.at),
      kinds: kindSet(list(words.kind)),
      fields: fieldSet(list(words.field)),
      text: (words.text ?? []).map(encode),
      prefix: (words.prefix ?? []).map(encode),
      contains: (words.contains ?? []).map(encode),
      scopes: (words.scope ?? []).reduce((bits, name) => bits | (1 << SCOPES.indexOf(name)), 0),
    })

  const bits = new Uint32Array(size)
  const rulesOf: number[][] = Array.from({ length: size }, () => [])
  const rules: CompiledRule[] = []
  const roles = Object.entries(table.roles ?? {}) as [Role, readonly (string | Rule)[]][]
  const rank = (role: Role) => (ENTITIES as readonly string[]).indexOf(role)
  for (const [role, entries] of roles.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))) {
    const entity = rank(role) + 1
    const roleBits = entity > 0 ? 0 : role === 'branch' ? BRANCH : BITS[role as keyof typeof BITS]
    if (entity === 0 && roleBits === undefined) {
      unknown.add(`role ${role}`)
      continue
    }
    for (const entry of entries) {
      if (typeof entry === 'string') {
        if (entity === 0 && !GROUPED.includes(role)) {
          for (const id of idsOf(entry)) bits[id]! |= roleBits
          continue
        }
      }
      const rule: Rule = typeof entry === 'string' ? { kind: entry } : entry
      const body = list(rule.body)
      rules.push({
        bits: roleBits,
        entity,
        group: entity > 0 ? entity : GROUPED.includes(role) ? ENTITIES.length + 1 + GROUPED.indexOf(role) : 0,
        parents: kindSet(list(rule.in)),
        fields: fieldSet(list(rule.field)),
        conditions: [...(rule.when ?? []).map(condition(false)), ...(rule.unless ?? []).map(condition(true))],
        as: constant(rule.as ?? DEFAULT_AS[role]),
        named: constant(rule.named),
        unquoted: rule.unquoted === true ? 1 : 0,
        form: constant(rule.form ?? 'import'),
        state: constant(rule.state ?? 'run'),
        name: paths(rule.name ?? (NAMED_BY_THEMSELVES.includes(role) ? '.' : undefined)),
        nameFrom: Object.entries(rule.name_from ?? {}).map(([parent, from]) => ({ parent: kindSet([parent]), paths: paths(from) })),
        specifier: paths(rule.specifier ?? '.'),
        alias: paths(rule.alias),
        receiver: paths(rule.receiver),
        bodyFields: fieldSet(body.filter((word) => !word.startsWith(':'))),
        bodyKinds: kindSet(body.filter((word) => word.startsWith(':')).map((word) => word.slice(1))),
      })
      for (const id of list(rule.kind).flatMap(idsOf)) {
        rulesOf[id]!.push(rules.length - 1)
        bits[id]! |= HAS_RULES
      }
    }
  }
  if (unknown.size > 0) throw new UnknownKindError(table.id, [...unknown])
  const [functionWord, methodWord] = [constant('function'), constant('method')]
  const statements = table.roles?.statement !== undefined
  return { language: table.id, bits, canonical, rulesOf, rules, sets, constants, statements, functionWord, methodWord }
}
