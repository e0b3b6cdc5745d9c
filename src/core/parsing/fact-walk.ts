import type { CompiledRule, CompiledTable } from './compile-table.ts'
import { AT } from './facts-record.ts'
import type { PartialReason } from './facts.ts'
import { ERROR_SYMBOL, MISSING, NAMED, type FlatTree } from './flat-tree.ts'
import { createHalstead } from './halstead.ts'
import { BITS, BRANCH, ENTITIES, HAS_RULES, type Entity } from './language-table.ts'
import { CODE, COMMENT, createLineTable, rowOf, sumLines } from './line-table.ts'
import { createRecordWriter } from './record-writer.ts'
import { createPathFinder } from './tree-paths.ts'
import { createTreeNames, NOTHING } from './tree-names.ts'
import type { Frame, FunctionState } from './walk-state.ts'

const ENTITY = Object.fromEntries(ENTITIES.map((name, i) => [name, i + 1])) as Record<Entity, number>
/** Set in a tree's flags for the name of a definition: it is no reference. */
const DEFINES = 4
/** Of the four figures per profile. */
const ESLINT = 1
/** Indices of SCOPES. */
const [FILE, CLASS, MODULE, FUNCTION] = [0, 1, 2, 3]

/**
 * The one pass over a tree that finds all facts; native/src/walk.h is its twin, and the differential test holds them equal. Work per
 * node does not depend on the size of the file, and nothing recurses into the tree.
 */
export function walkTree(tree: FlatTree, table: CompiledTable, bytes: Uint8Array, partial: PartialReason | null): Int32Array {
  const { count, symbol, start, end, size, parent, flags } = tree
  const lines = createLineTable(bytes)
  const { marks, starts } = lines
  const lastRow = starts.length - 2
  const finder = createPathFinder(tree, table, bytes)
  const writer = createRecordWriter(bytes.length)
  const { sections, header } = writer
  const halstead = createHalstead(table.bits.length)
  const { textId, nameAt, unquoted, constant } = createTreeNames(tree, table, bytes, writer)
  const lastOfRun: number[] = []
  const functions: FunctionState[] = []
  const file = createFunction(-1, NOTHING, NOTHING, -1, -1, -1, 0)
  const stateOf = (fn: number) => (fn === 0 ? file : functions[fn - 1]!)
  const span = (node: number) => {
    const row = rowOf(lines, start[node]!)
    const last = end[node]! - 1
    return [start[node]!, end[node]!, row, last < start[node]! ? row : rowOf(lines, last)] as const
  }
  const nothing = {
    fn: 0,
    scope: -1,
    place: FILE,
    nesting: 0,
    base: 0,
    body: -1,
    run: -1,
    inString: false,
    test: -1,
    import: -1,
    initializer: -1,
  } as const
  const frames: Frame[] = [{ ...nothing, node: -1, end: count, initializerFrom: -1, opensFunction: false }]
  let [errors, errorBytes, errorEnd, row] = [0, 0, 0, 0]
  const matched: CompiledRule[] = []
  halstead.open()

  function matchRules(node: number, place: number): number {
    let bits = 0
    let groups = 0
    for (const index of table.rulesOf[symbol[node]!]!) {
      const rule = table.rules[index]!
      if (rule.group > 0 && (groups & (1 << rule.group)) !== 0) continue
      if (rule.parents >= 0 && !isIn(rule.parents, parent[node]!)) continue
      if (rule.fields >= 0 && (tree.field[node] === 0 || table.sets[rule.fields]![tree.field[node]!] !== 1)) continue
      if (!rule.conditions.every((condition) => finder.holds(condition, node, place))) continue
      bits |= rule.bits
      if (rule.group === 0) continue
      groups |= 1 << rule.group
      if (rule.entity > 0) matched.push(rule)
      else bodyRule = index
    }
    return bits
  }
  let bodyRule = -1

  function isIn(set: number, node: number): boolean {
    return node >= 0 && symbol[node] !== ERROR_SYMBOL && table.sets[set]![symbol[node]!] === 1
  }

  function nameNodeOf(rule: CompiledRule, node: number): number {
    const found = finder.first(node, rule.name)
    if (found >= 0) return found
    for (const from of rule.nameFrom) if (isIn(from.parent, parent[node]!)) return finder.first(parent[node]!, from.paths)
    return -1
  }

  const definedName = (rule: CompiledRule, nameNode: number) => (rule.unquoted === 1 ? unquoted(nameNode) : nameAt(nameNode))

  function define(node: number, nameNode: number, name: number, kind: number, frame: Frame): void {
    if (name < 0 || nameNode < 0) return
    flags[nameNode]! |= DEFINES
    sections.definitions.push(
      name,
      kind,
      ...span(node),
      rowOf(lines, start[nameNode]!),
      start[nameNode]!,
      end[nameNode]!,
      frame.scope,
      frame.fn - 1,
    )
  }

  function defineBy(rule: CompiledRule, node: number, frame: Frame): void {
    const nameNode = nameNodeOf(rule, node)
    define(node, nameNode, definedName(rule, nameNode), constant(rule.as), frame)
  }

  function openFunction(rule: CompiledRule, node: number, frame: Frame): number {
    const nameNode = nameNodeOf(rule, node)
    const name = rule.named >= 0 ? constant(rule.named) : definedName(rule, nameNode)
    const kind = constant(rule.as === table.functionWord && frame.place === CLASS ? table.methodWord : rule.as)
    define(node, nameNode, name, kind, frame)
    functions.push(
      createFunction(node, name, kind, name >= 0 ? nameNode : -1, frame.fn - 1, frame.scope, frame.fn === 0 ? 0 : frame.nesting + 1),
    )
    halstead.open()
    return functions.length
  }

  function openScope(rule: CompiledRule, node: number, frame: Frame): number {
    const nameNode = nameNodeOf(rule, node)
    const name = definedName(rule, nameNode)
    const kind = constant(rule.as)
    define(node, nameNode, name, kind, frame)
    sections.scopes.push(name, kind, ...span(node), name >= 0 ? start[nameNode]! : -1, frame.scope, frame.fn - 1)
    return sections.scopes.length / 9 - 1
  }

  function addImport(rule: CompiledRule, node: number, frame: Frame): number {
    const specifier = unquoted(finder.first(node, rule.specifier))
    sections.imports.push(specifier, constant(rule.form), ...span(node), sections.importNames.length / 2, 0, frame.fn - 1)
    return sections.imports.length / 9 - 1
  }

  function addImportName(rule: CompiledRule, node: number, around: number): void {
    // Names of one import stand together in the record.
    if (around < 0 || around !== sections.imports.length / 9 - 1) return
    const name = rule.named >= 0 ? constant(rule.named) : unquoted(nameNodeOf(rule, node))
    if (name < 0) return
    sections.importNames.push(name, rule.alias.length === 0 ? NOTHING : nameAt(finder.first(node, rule.alias)))
    sections.imports[around * 9 + 7]! += 1
  }

  function addCall(rule: CompiledRule, node: number, frame: Frame): void {
    const nameNode = nameNodeOf(rule, node)
    const simple = nameNode >= 0 && size[nameNode] === 1 ? nameAt(nameNode) : NOTHING
    const at = start[simple >= 0 ? nameNode : node]!
    const receiver = rule.receiver.length === 0 ? NOTHING : nameAt(finder.first(node, rule.receiver))
    sections.calls.push(simple, receiver, rowOf(lines, at), at, frame.fn - 1)
  }

  function addInitializer(rule: CompiledRule, node: number, frame: Frame, next: Frame): void {
    const value = finder.first(node, rule.specifier)
    if (value < 0) return
    sections.initializers.push(nameAt(nameNodeOf(rule, node)), ...span(value), frame.fn - 1, 1)
    next.initializer = sections.initializers.length / 7 - 1
    next.initializerFrom = value
  }

  function apply(rule: CompiledRule, node: number, frame: Frame, next: Frame): void {
    switch (rule.entity) {
      case ENTITY.function:
      case ENTITY.lambda:
        if (next.opensFunction) return
        Object.assign(next, {
          fn: openFunction(rule, node, frame),
          place: FUNCTION,
          nesting: 0,
          base: 0,
          body: -1,
          run: -1,
          initializer: -1,
          opensFunction: true,
        })
        return
      case ENTITY.class:
      case ENTITY.module:
        Object.assign(next, { scope: openScope(rule, node, frame), place: rule.entity === ENTITY.class ? CLASS : MODULE })
        return
      case ENTITY.parameter: {
        const name = rule.named >= 0 ? constant(rule.named) : nameAt(nameNodeOf(rule, node))
        if (name >= 0 && frame.fn > 0) stateOf(frame.fn).parameters.push(name)
        return
      }
      case ENTITY.definition:
        defineBy(rule, node, frame)
        return
      case ENTITY.import:
        next.import = addImport(rule, node, frame)
        return
      case ENTITY.import_name:
        addImportName(rule, node, next.import)
        return
      case ENTITY.call:
        addCall(rule, node, frame)
        return
      case ENTITY.test:
        sections.tests.push(
          unquoted(nameNodeOf(rule, node)),
          constant(rule.as),
          constant(rule.state),
          ...span(node),
          frame.test,
          frame.fn - 1,
        )
        next.test = sections.tests.length / 9 - 1
        return
      case ENTITY.initializer:
        addInitializer(rule, node, frame, next)
        return
      default:
        sections.assertions.push(nameAt(nameNodeOf(rule, node)), ...span(node), frame.test, frame.fn - 1)
    }
  }

  /** What follows a node into its subtree. */
  function enter(node: number, bits: number, frame: Frame): void {
    const direct = parent[node] === frame.node && frame.node >= 0
    const next = { ...frame, node, end: node + size[node]!, body: -1, run: -1, opensFunction: false }
    let changed = (bits & (BITS.boolean | BITS.transparent | BITS.nest | BITS.chain | BITS.interpolation | BITS.string)) !== 0
    if (direct && frame.body >= 0) {
      const { bodyFields, bodyKinds } = table.rules[frame.body]!
      const fieldId = tree.field[node]!
      if (
        (bodyFields < 0 && bodyKinds < 0) ||
        (bodyFields >= 0 && fieldId > 0 && table.sets[bodyFields]![fieldId] === 1) ||
        (bodyKinds >= 0 && isIn(bodyKinds, node))
      ) {
        next.nesting += 1
        changed = true
      }
    }
    const state = stateOf(frame.fn)
    if ((bits & BITS.chain) !== 0) Object.assign(next, { nesting: frame.base, body: bodyRule })
    else if ((bits & BITS.nest) !== 0) {
      state.own += 1 + next.nesting
      state.structures += 1
      state.nesting = Math.max(state.nesting, next.nesting + 1)
      Object.assign(next, { base: next.nesting, body: bodyRule })
    }
    if ((bits & BITS.boolean) !== 0) next.run = direct && frame.run >= 0 ? frame.run : lastOfRun.push(-1) - 1
    else if ((bits & BITS.transparent) !== 0 && direct) next.run = frame.run
    if ((bits & BITS.string) !== 0) next.inString = true
    if ((bits & BITS.interpolation) !== 0) next.inString = false
    for (const rule of matched) apply(rule, node, { ...frame, nesting: next.nesting }, next)
    changed ||= matched.length > 0
    if (changed && size[node]! > 1) frames.push(next)
    else if (next.opensFunction) closeFunction(next.fn)
  }

  /** In eslint's profile an initializer keeps its decisions to itself. */
  function addDecision(node: number, bits: number, frame: Frame, state: FunctionState): void {
    const own = frame.initializer >= 0 && node >= frame.initializerFrom
    for (let profile = 0; profile < 4; profile++)
      if (own && profile === ESLINT) sections.initializers[frame.initializer * 7 + 6]! += (bits >> profile) & 1
      else state.branches[profile]! += (bits >> profile) & 1
  }

  function closeFunction(fn: number): void {
    const state = functions[fn - 1]!
    state.halstead = halstead.close()
    if (state.parent < 0) {
      file.inner += state.own + state.inner
      return
    }
    const outer = functions[state.parent]!
    const structures = state.structures + state.innerStructures
    outer.inner += state.own + state.inner + structures * state.depth
    outer.innerStructures += structures
  }

  function mark(node: number, bit: number): void {
    while (row < lastRow && starts[row + 1]! <= start[node]!) row += 1
    for (let at = row; at <= lastRow && (at === row || starts[at]! < end[node]!); at++) marks[at]! |= bit
  }

  function addLeaf(node: number, bits: number, frame: Frame): void {
    if (frame.inString || start[node] === end[node]) return
    const first = bytes[start[node]!]!
    if (first === 10 || first === 13) return
    mark(node, CODE)
    if ((bits & BITS.reference) !== 0 && (flags[node]! & DEFINES) === 0) {
      const name = nameAt(node)
      if (name >= 0) sections.references.push(name, row, start[node]!, frame.fn - 1)
    }
    if ((bits & BITS.ignored) !== 0) return
    if ((bits & BITS.operator) !== 0 || ((bits & BITS.operand) === 0 && (flags[node]! & NAMED) === 0))
      halstead.operator(symbol[node] === ERROR_SYMBOL ? 0 : table.canonical[symbol[node]!]!)
    else halstead.operand(textId(start[node]!, end[node]!))
  }

  for (let node = 0; node < count;) {
    let frame = frames.at(-1)!
    while (node >= frame.end) {
      if (frame.opensFunction) closeFunction(frame.fn)
      frames.pop()
      frame = frames.at(-1)!
    }
    matched.length = 0
    bodyRule = -1
    let bits = 0
    if (symbol[node] === ERROR_SYMBOL) {
      errors += 1
      if (start[node]! >= errorEnd) {
        errorBytes += end[node]! - start[node]!
        errorEnd = end[node]!
      }
    } else {
      bits = table.bits[symbol[node]!]!
      if ((bits & HAS_RULES) !== 0) bits |= matchRules(node, frame.place)
      if ((flags[node]! & MISSING) !== 0) errors += 1
    }
    if ((bits & BITS.comment) !== 0 && !frame.inString) {
      mark(node, COMMENT)
      sections.comments.push(...span(node))
      node += size[node]!
      continue
    }
    const state = stateOf(frame.fn)
    if ((bits & BRANCH) !== 0) addDecision(node, bits, frame, state)
    if ((bits & BITS.statement) !== 0) state.logical += 1
    if ((bits & BITS.flat) !== 0) state.own += 1
    if ((bits & (BITS['boolean.operator'] | BITS['boolean.free'])) !== 0 && parent[node] === frame.node && frame.run >= 0) {
      const operator = table.canonical[symbol[node]!]!
      if ((bits & BITS['boolean.operator']) !== 0 && lastOfRun[frame.run] !== operator) state.own += 1
      lastOfRun[frame.run] = operator
    }
    const isString = (bits & BITS.string) !== 0 && !frame.inString
    if (isString) {
      mark(node, CODE)
      sections.strings.push(...span(node))
      halstead.operand(textId(start[node]!, end[node]!))
    }
    const direct = parent[node] === frame.node && frame.body >= 0
    if (
      direct ||
      matched.length > 0 ||
      (bits & (BITS.boolean | BITS.transparent | BITS.nest | BITS.chain | BITS.interpolation | BITS.string)) !== 0
    )
      enter(node, bits, frame)
    if (size[node] === 1 && !isString) addLeaf(node, bits, frame)
    node += 1
  }
  while (frames.length > 0)
    if (frames.at(-1)!.opensFunction) closeFunction(frames.pop()!.fn)
    else frames.pop()
  return finish()

  function finish(): Int32Array {
    const sums = sumLines(lines)
    const logicalOf = (state: FunctionState) => (table.statements ? state.logical : -1)
    const counted = (from: number, to: number) => {
      const last = Math.min(to, lines.physical)
      const first = Math.min(from, last)
      return [
        sums.source[last]! - sums.source[first]!,
        sums.comment[last]! - sums.comment[first]!,
        sums.blank[last]! - sums.blank[first]!,
      ] as const
    }
    // Statements of nested functions count for the functions around them.
    for (let i = functions.length - 1; i >= 0; i--) stateOf(functions[i]!.parent + 1).logical += functions[i]!.logical
    for (const state of functions) {
      const [from, to, rowStart, rowEnd] = span(state.node)
      const [source, comment, blank] = counted(rowStart, rowEnd + 1)
      const [nameStart, nameEnd] = state.nameNode < 0 ? [-1, -1] : [start[state.nameNode]!, end[state.nameNode]!]
      const cyclomatic = state.branches.map((decisions) => decisions + 1)
      sections.functions.push(state.name, state.kind, from, to, rowStart, rowEnd, nameStart, nameEnd, state.parent, state.scope)
      sections.functions.push(sections.parameters.length, state.parameters.length, state.nesting, ...cyclomatic, state.own + state.inner)
      sections.functions.push(state.own, state.structures + state.innerStructures, state.depth, ...state.halstead)
      sections.functions.push(source, logicalOf(state), comment, blank)
      sections.parameters.push(...state.parameters)
    }
    const [source, comment, blank] = counted(0, lines.physical)
    header.set([errors, errorBytes, count, lines.physical, source, logicalOf(file), comment, blank, ...file.branches], AT.errors)
    header.set([file.own + file.inner, file.own, ...halstead.close(), file.nesting], AT.cognitive)
    return writer.finish(partial ?? (errors > 0 ? 'syntax' : null))
  }
}

function createFunction(
  node: number,
  name: number,
  kind: number,
  nameNode: number,
  parent: number,
  scope: number,
  depth: number,
): FunctionState {
  const figures = { own: 0, structures: 0, inner: 0, innerStructures: 0, nesting: 0, logical: 0 }
  return { node, name, kind, nameNode, parent, scope, depth, parameters: [], branches: [0, 0, 0, 0], halstead: [], ...figures }
}
