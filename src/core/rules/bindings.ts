import { familyOf, findKinds, kindOf, walk, type ParsedSource, type SyntaxNode } from '../parsing/index.ts'

/** Names in these fields of these kinds are (re)bound there, per family; '*' means anywhere inside. */
const BINDERS: Record<string, Readonly<Record<string, readonly string[]>>> = {
  javascript: {
    variable_declarator: ['name'],
    function_declaration: ['name'],
    function_expression: ['name'],
    generator_function_declaration: ['name'],
    class_declaration: ['name'],
    class: ['name'],
    formal_parameters: ['*'],
    arrow_function: ['parameter'],
    catch_clause: ['parameter'],
    import_clause: ['*'],
    import_specifier: ['*'],
    assignment_expression: ['left'],
    augmented_assignment_expression: ['left'],
    for_in_statement: ['left'],
    update_expression: ['argument'],
    enum_declaration: ['name'],
  },
  python: {
    assignment: ['left'],
    augmented_assignment: ['left'],
    function_definition: ['name'],
    class_definition: ['name'],
    parameters: ['*'],
    lambda_parameters: ['*'],
    for_statement: ['left'],
    for_in_clause: ['left'],
    as_pattern_target: ['*'],
    import_statement: ['*'],
    import_from_statement: ['name'],
    global_statement: ['*'],
    named_expression: ['name'],
    except_clause: ['alias'],
  },
  go: {
    short_var_declaration: ['left'],
    var_spec: ['name'],
    const_spec: ['name'],
    parameter_declaration: ['name'],
    function_declaration: ['name'],
    type_spec: ['name'],
    range_clause: ['left'],
    import_spec: ['name'],
    assignment_statement: ['left'],
    type_parameter_declaration: ['name'],
    type_alias: ['name'],
    variadic_parameter_declaration: ['name'],
    method_declaration: ['receiver'],
  },
}

const NAME_KINDS: readonly string[] = ['identifier', 'shorthand_property_identifier_pattern', 'type_identifier', 'package_identifier']

export type Bindings = {
  /** True where the file declares, assigns, imports or takes this name as a parameter anywhere. */
  isBound(name: string): boolean
  /** The value a name is initialised with, where it is bound exactly once in the file. */
  valueOf(name: string): SyntaxNode | undefined
}

/** Finds every binding of a file at first use. Scopes are ignored on purpose: one binding anywhere counts everywhere. */
export function createBindings(source: ParsedSource): Bindings {
  let counts: Map<string, { times: number; value: SyntaxNode | undefined }> | undefined
  const collect = (): Map<string, { times: number; value: SyntaxNode | undefined }> => {
    const found = new Map<string, { times: number; value: SyntaxNode | undefined }>()
    const binders = BINDERS[familyOf(source.language)]
    if (binders === undefined) return found
    const add = (name: string, value: SyntaxNode | undefined): void => {
      const before = found.get(name)
      found.set(name, { times: (before?.times ?? 0) + 1, value })
    }
    for (const node of findKinds(source.root, knownKinds(source, Object.keys(binders)))) {
      for (const field of binders[kindOf(node)] ?? []) {
        const targets = field === '*' ? [node] : node.fieldChildren(field)
        for (const target of targets)
          for (const name of namesIn(target)) add(name, field === 'name' ? (node.field('value') ?? undefined) : undefined)
      }
    }
    return found
  }
  const all = (): Map<string, { times: number; value: SyntaxNode | undefined }> => (counts ??= collect())
  return {
    isBound: (name) => all().has(name),
    valueOf(name) {
      const binding = all().get(name)
      return binding?.times === 1 ? binding.value : undefined
    },
  }
}

function namesIn(node: SyntaxNode): string[] {
  const names: string[] = []
  walk(node, (inner) => {
    const kind = kindOf(inner)
    // `a.b = 1` binds no name; neither does a default value's inside matter much, but counting it is only careful.
    if (kind === 'member_expression' || kind === 'attribute' || kind === 'subscript' || kind === 'selector_expression') return false
    if (NAME_KINDS.includes(kind)) names.push(inner.text())
    return true
  })
  return names
}

const known = new Map<string, readonly string[]>()

/** Grammars differ between the dialects of a family: a kind that one lacks is left out instead of failing. */
function knownKinds(source: ParsedSource, kinds: readonly string[]): readonly string[] {
  const cached = known.get(source.language)
  if (cached !== undefined) return cached
  const usable = kinds.filter((kind) => {
    try {
      source.root.find({ rule: { kind, regex: '^$' } } as never)
      return true
    } catch {
      return false
    }
  })
  known.set(source.language, usable)
  return usable
}
