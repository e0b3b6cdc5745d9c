import type { LanguageFamily } from '../../parsing/index.ts'

export type Table = {
  /** A compiler stands between the text and the tests: a fault must keep every type, name and branch it looks at. */
  compiled: boolean
  functions: ReadonlySet<string>
  conditions: ReadonlySet<string>
  returns: ReadonlySet<string>
  returned: string
  statements: ReadonlySet<string>
  calls: ReadonlySet<string>
  numbers: ReadonlySet<string>
  booleans: ReadonlyMap<string, string>
  negate: (condition: string) => string
  /** The same statement, never run. */
  skip: (statement: string) => string
  /** Lists of arguments: two of them can change places. */
  arguments: ReadonlySet<string>
}

const turned = (one: string, other: string): ReadonlyMap<string, string> =>
  new Map([
    [one, other],
    [other, one],
  ])

export const RELATIONS: ReadonlyMap<string, string> = new Map([
  ['===', '!=='],
  ['!==', '==='],
  ['==', '!='],
  ['!=', '=='],
  ['<', '>='],
  ['<=', '>'],
  ['>', '<='],
  ['>=', '<'],
  ['is', 'is not'],
  ['in', 'not in'],
])
export const ARITHMETIC: ReadonlyMap<string, string> = new Map([
  ['+', '-'],
  ['-', '+'],
  ['*', '/'],
  ['/', '*'],
])
export const LOGIC: ReadonlyMap<string, string> = new Map([
  ['&&', '||'],
  ['||', '&&'],
  ['and', 'or'],
  ['or', 'and'],
])
const SYMBOLIC = {
  booleans: turned('true', 'false'),
  negate: (condition: string) => `!(${condition})`,
  skip: (statement: string) => `if (false) { ${statement} }`,
  arguments: new Set(['arguments', 'argument_list']),
}

/** What the nodes are called per language family. Node kinds are those of the tree-sitter grammars. */
export const TABLES: Partial<Record<LanguageFamily, Table>> = {
  javascript: {
    compiled: false,
    functions: new Set([
      'function_declaration',
      'function_expression',
      'arrow_function',
      'method_definition',
      'generator_function_declaration',
    ]),
    conditions: new Set(['if_statement', 'while_statement', 'ternary_expression']),
    returns: new Set(['return_statement']),
    returned: 'return undefined',
    statements: new Set(['expression_statement']),
    calls: new Set([
      'call_expression',
      'await_expression',
      'assignment_expression',
      'augmented_assignment_expression',
      'update_expression',
    ]),
    numbers: new Set(['number']),
    ...SYMBOLIC,
  },
  python: {
    compiled: false,
    functions: new Set(['function_definition', 'lambda']),
    conditions: new Set(['if_statement', 'while_statement', 'elif_clause']),
    returns: new Set(['return_statement']),
    returned: 'return None',
    statements: new Set(['expression_statement']),
    calls: new Set(['call', 'assignment', 'augmented_assignment', 'await']),
    numbers: new Set(['integer', 'float']),
    booleans: turned('True', 'False'),
    negate: (condition) => `not (${condition})`,
    skip: () => 'pass',
    arguments: new Set(['argument_list']),
  },
  go: {
    compiled: true,
    functions: new Set(['function_declaration', 'method_declaration', 'func_literal']),
    conditions: new Set(['if_statement', 'for_clause']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['call_expression']),
    numbers: new Set(['int_literal', 'float_literal']),
    ...SYMBOLIC,
    skip: (statement) => `if false { ${statement} }`,
  },
  rust: {
    compiled: true,
    functions: new Set(['function_item', 'closure_expression']),
    conditions: new Set(['if_expression', 'while_expression']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['call_expression', 'assignment_expression', 'compound_assignment_expr']),
    numbers: new Set(['integer_literal', 'float_literal']),
    ...SYMBOLIC,
    skip: (statement) => `if false { ${statement} }`,
  },
  c: {
    compiled: true,
    functions: new Set(['function_definition']),
    conditions: new Set(['if_statement', 'while_statement']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['call_expression', 'assignment_expression', 'update_expression']),
    numbers: new Set(['number_literal']),
    ...SYMBOLIC,
    skip: (statement) => `if (0) { ${statement} }`,
  },
  java: {
    compiled: true,
    functions: new Set(['method_declaration', 'constructor_declaration', 'lambda_expression']),
    conditions: new Set(['if_statement', 'while_statement']),
    returns: new Set(),
    returned: '',
    statements: new Set(['expression_statement']),
    calls: new Set(['method_invocation', 'assignment_expression', 'update_expression']),
    numbers: new Set(['decimal_integer_literal']),
    ...SYMBOLIC,
  },
  ruby: {
    compiled: false,
    functions: new Set(['method', 'singleton_method']),
    conditions: new Set(['if', 'unless', 'while']),
    returns: new Set(['return']),
    returned: 'return nil',
    statements: new Set(),
    calls: new Set(),
    numbers: new Set(['integer', 'float']),
    ...SYMBOLIC,
  },
}
