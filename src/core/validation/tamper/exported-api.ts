import type { LanguageId } from '../../parsing/index.ts'
import { tableOf, tokensOf, treeOf, type LanguageTable, type Node } from '../../analysis/index.ts'

/** One name a file offers to others. `signature` holds the parameters (and result type) of callables, null elsewhere. */
export type ExportedName = { name: string; kind: 'function' | 'class' | 'value' | 'type'; signature: string | null; line: number }

export type ApiChanges = { removed: string[]; added: string[]; changed: { name: string; before: string; after: string }[] }

/** What a file exports; `undefined` for languages where that cannot be told from one file. */
export function exportedApi(text: string, language: LanguageId): ExportedName[] | undefined {
  const table = tableOf(language)
  const tree = table === undefined ? undefined : treeOf(text, language)
  if (table === undefined || tree === undefined) return undefined
  const { root } = tree
  switch (language) {
    case 'javascript':
    case 'typescript':
    case 'tsx':
      return scriptExports(root, table)
    case 'python':
      return pythonNames(root, table)
    case 'go':
      return root.children.flatMap((child) => goNames(child, table))
    case 'rust':
      return rustNames(root, table, '')
    case 'java':
      return javaNames(root, table, '')
    default:
      return undefined
  }
}

/** What changed in a file's exports. Names that came are fine; names that went, or take other parameters, need announcing. */
export function exportedApiChanges(before: string, after: string, language: LanguageId): ApiChanges | undefined {
  const old = exportedApi(before, language)
  const next = exportedApi(after, language)
  if (old === undefined || next === undefined) return undefined
  const byName = new Map(next.map((item) => [item.name, item]))
  const known = new Set(old.map((item) => item.name))
  const changed = old.flatMap((item) => {
    const other = byName.get(item.name)
    return other === undefined || other.signature === item.signature
      ? []
      : [{ name: item.name, before: item.signature ?? item.kind, after: other.signature ?? other.kind }]
  })
  return {
    removed: old.filter((item) => !byName.has(item.name)).map((item) => item.name),
    added: next.filter((item) => !known.has(item.name)).map((item) => item.name),
    changed,
  }
}

const text = (node: Node | undefined, table: LanguageTable): string => (node === undefined ? '' : tokensOf(node, table).join(' '))

/** Parameters and result of a callable, whatever form it is written in. */
function signatureOf(node: Node, table: LanguageTable): string | null {
  const parameters = node.children.find((child) => /^(?:formal_parameters|parameters|parameter_list|method_parameters)$/.test(child.kind))
  const single =
    node.kind === 'arrow_function' && parameters === undefined ? node.children.find((child) => child.kind === 'identifier') : undefined
  if (parameters === undefined && single === undefined) return null
  const at = node.children.indexOf((parameters ?? single)!)
  const result = node.children
    .slice(at + 1)
    .filter(
      (child) =>
        !/block|body|declaration_list|^=>$|^:$|^->$|throws/.test(child.kind) &&
        !(node.kind === 'arrow_function' && child === node.children.at(-1)),
    )
  const asked = single === undefined ? text(parameters, table) : `( ${text(single, table)} )`
  return [asked, ...result.map((child) => text(child, table))].join(' ').trim()
}

function scriptExports(root: Node, table: LanguageTable): ExportedName[] {
  const found: ExportedName[] = []
  const locals = new Map<string, Node>()
  for (const child of root.children) for (const [name, node] of declared(child)) locals.set(name, node)
  const add = (name: string, node: Node | undefined, line: number): void => {
    const target = node?.kind === 'identifier' ? locals.get(node.text) : node
    found.push({ name, kind: kindOf(target), signature: target === undefined ? null : callableSignature(target, table), line })
  }
  for (const child of root.children) {
    if (child.kind === 'export_statement') {
      const fallback = child.children.find((item) => item.kind === 'default')
      if (fallback !== undefined) add('default', child.children[child.children.indexOf(fallback) + 1], child.line)
      else for (const [name, node] of declared(child)) add(name, node, child.line)
      const clause = child.children.find((item) => item.kind === 'export_clause')
      for (const item of clause?.children.filter((part) => part.kind === 'export_specifier') ?? [])
        add(item.children.at(-1)!.text, item.children[0], item.line)
      if (child.children.some((item) => item.kind === '*' || item.kind === 'namespace_export'))
        found.push({
          name: `* ${text(
            child.children.find((item) => item.kind === 'string'),
            table,
          )}`,
          kind: 'value',
          signature: null,
          line: child.line,
        })
    }
    if (child.kind === 'expression_statement') commonExports(child.children[0], add)
  }
  return found
}

function commonExports(node: Node | undefined, add: (name: string, node: Node | undefined, line: number) => void): void {
  if (node?.kind !== 'assignment_expression') return
  const left = node.children[0]!.text.replace(/\s/g, '')
  const value = node.children.at(-1)!
  if (left === 'module.exports') {
    if (value.kind !== 'object') return add('default', value, node.line)
    for (const item of value.children) {
      if (item.kind === 'shorthand_property_identifier') add(item.text, { ...item, kind: 'identifier' }, item.line)
      if (item.kind === 'pair' || item.kind === 'method_definition')
        add(item.children[0]!.text.replace(/['"]/g, ''), item.kind === 'pair' ? item.children.at(-1) : item, item.line)
    }
    return
  }
  const name = /^(?:module\.)?exports\.(\w+)$/.exec(left)?.[1]
  if (name !== undefined) add(name, value, node.line)
}

function declared(node: Node): [string, Node][] {
  return node.children.concat(node).flatMap((child): [string, Node][] => {
    if (
      /^(?:function_declaration|generator_function_declaration|class_declaration|abstract_class_declaration|interface_declaration|type_alias_declaration|enum_declaration|function_signature)$/.test(
        child.kind,
      )
    ) {
      const name = child.children.find((part) => /identifier/.test(part.kind))
      return name === undefined ? [] : [[name.text, child]]
    }
    if (child.kind !== 'lexical_declaration' && child.kind !== 'variable_declaration') return []
    return child.children
      .filter((part) => part.kind === 'variable_declarator')
      .map((part) => [part.children[0]!.text, part.children.length > 2 ? part.children.at(-1)! : part])
  })
}

const CALLABLE = /function|arrow|method/

function callableSignature(node: Node, table: LanguageTable): string | null {
  return CALLABLE.test(node.kind) ? signatureOf(node, table) : null
}

function kindOf(node: Node | undefined): ExportedName['kind'] {
  if (node === undefined) return 'value'
  if (CALLABLE.test(node.kind)) return 'function'
  if (/class/.test(node.kind)) return 'class'
  return /interface|type_alias|enum/.test(node.kind) ? 'type' : 'value'
}

function pythonNames(root: Node, table: LanguageTable): ExportedName[] {
  const found: ExportedName[] = []
  let listed: Set<string> | undefined
  const visit = (children: readonly Node[], prefix: string): void => {
    for (const child of children) {
      const item = child.kind === 'decorated_definition' ? child.children.at(-1)! : child
      const name = item.children.find((part) => part.kind === 'identifier')?.text
      if (item.kind === 'function_definition' && name !== undefined && isPublic(name))
        found.push({ name: prefix + name, kind: 'function', signature: signatureOf(item, table), line: item.line })
      if (item.kind === 'class_definition' && name !== undefined && isPublic(name)) {
        found.push({ name: prefix + name, kind: 'class', signature: null, line: item.line })
        visit(item.children.find((part) => part.kind === 'block')?.children ?? [], `${prefix}${name}.`)
      }
      const assignment = item.kind === 'expression_statement' ? item.children[0] : undefined
      if (assignment?.kind === 'assignment' && assignment.children[0]!.kind === 'identifier') {
        const target = assignment.children[0]!.text
        if (target === '__all__') listed = new Set([...assignment.text.matchAll(/['"](\w+)['"]/g)].map((match) => match[1]!))
        else if (isPublic(target)) found.push({ name: prefix + target, kind: 'value', signature: null, line: item.line })
      }
    }
  }
  visit(root.children, '')
  if (listed === undefined) return unique(found)
  const wanted = listed
  const kept = found.filter((item) => wanted.has(item.name.split('.')[0]!))
  const known = new Set(kept.map((item) => item.name))
  return unique([
    ...kept,
    ...[...wanted].filter((name) => !known.has(name)).map((name) => ({ name, kind: 'value' as const, signature: null, line: 1 })),
  ])
}

const isPublic = (name: string): boolean => !name.startsWith('_') || name === '__init__' || name === '__call__'

function unique(names: readonly ExportedName[]): ExportedName[] {
  return [...new Map(names.map((item) => [item.name, item])).values()]
}

function goNames(node: Node, table: LanguageTable): ExportedName[] {
  const exported = (name: string | undefined): name is string => name !== undefined && /^\p{Lu}/u.test(name)
  if (node.kind === 'function_declaration') {
    const name = node.children.find((child) => child.kind === 'identifier')?.text
    return exported(name) ? [{ name, kind: 'function', signature: signatureOf(node, table), line: node.line }] : []
  }
  if (node.kind === 'method_declaration') {
    const name = node.children.find((child) => child.kind === 'field_identifier')
    const receiver = /(\w+)(?:\[[^\]]*\])?\s*\)$/.exec(node.children[1]?.text ?? '')?.[1]
    if (name === undefined || !exported(name.text) || !exported(receiver)) return []
    const rest = { ...node, children: node.children.slice(node.children.indexOf(name)) }
    return [{ name: `${receiver}.${name.text}`, kind: 'function', signature: signatureOf(rest, table), line: node.line }]
  }
  if (!/^(?:type|const|var)_declaration$/.test(node.kind)) return []
  const specs = node.children
    .flatMap((child) => (child.kind.endsWith('_spec_list') ? child.children : [child]))
    .filter((child) => /_spec$|type_alias/.test(child.kind))
  return specs.flatMap((spec) =>
    spec.children
      .filter((child) => /^(?:type_)?identifier$/.test(child.kind))
      .slice(0, node.kind === 'type_declaration' ? 1 : undefined)
      .filter((child) => exported(child.text))
      .map((child) => ({
        name: child.text,
        kind: node.kind === 'type_declaration' ? ('type' as const) : ('value' as const),
        signature: null,
        line: child.line,
      })),
  )
}

function rustNames(parent: Node, table: LanguageTable, prefix: string): ExportedName[] {
  return parent.children.flatMap((child): ExportedName[] => {
    const name = child.children.find((part) => /^(?:type_)?identifier$/.test(part.kind))?.text ?? ''
    const list = child.children.find((part) => part.kind === 'declaration_list')
    if (child.kind === 'impl_item') {
      const type = child.children.findLast((part) => /type_identifier|generic_type/.test(part.kind))?.text.replace(/<.*$/s, '') ?? ''
      return list === undefined || child.children.some((part) => part.kind === 'for') ? [] : rustNames(list, table, `${prefix}${type}::`)
    }
    if (!child.children.some((part) => part.kind === 'visibility_modifier' && part.text === 'pub')) return []
    if (child.kind === 'mod_item')
      return [
        { name: prefix + name, kind: 'value', signature: null, line: child.line },
        ...(list === undefined ? [] : rustNames(list, table, `${prefix}${name}::`)),
      ]
    if (child.kind === 'function_item')
      return [{ name: prefix + name, kind: 'function', signature: signatureOf(child, table), line: child.line }]
    if (child.kind === 'use_declaration')
      return [{ name: `${prefix}use ${text(child, table)}`, kind: 'value', signature: null, line: child.line }]
    if (!child.kind.endsWith('_item')) return []
    return [
      { name: prefix + name, kind: /struct|enum|trait|type|union/.test(child.kind) ? 'type' : 'value', signature: null, line: child.line },
    ]
  })
}

function javaNames(parent: Node, table: LanguageTable, prefix: string): ExportedName[] {
  return parent.children.flatMap((child): ExportedName[] => {
    const modifiers = child.children.find((part) => part.kind === 'modifiers')?.text ?? ''
    const open = /\b(?:public|protected)\b/.test(modifiers) || /interface/.test(parent.parent?.kind ?? '')
    if (!open) return []
    const name =
      child.children.find((part) => part.kind === 'identifier')?.text ??
      child.children.find((part) => part.kind === 'variable_declarator')?.children[0]?.text ??
      ''
    const body = child.children.find((part) => /^(?:class|interface|enum|record)_body$/.test(part.kind))
    if (body !== undefined)
      return [{ name: prefix + name, kind: 'class', signature: null, line: child.line }, ...javaNames(body, table, `${prefix}${name}.`)]
    if (/^(?:method|constructor)_declaration$/.test(child.kind)) {
      const signature = signatureOf(child, table) ?? ''
      // Overloads share a name: the parameters tell them apart.
      return [{ name: `${prefix}${name}${signature}`, kind: 'function', signature, line: child.line }]
    }
    return child.kind === 'field_declaration' ? [{ name: prefix + name, kind: 'value', signature: null, line: child.line }] : []
  })
}
