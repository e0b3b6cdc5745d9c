import type { ToolSpec } from '../llm/index.ts'

const text = (description: string): object => ({ type: 'string', description })
const object = (properties: Record<string, object>): Readonly<Record<string, unknown>> => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const orNull = (schema: Readonly<Record<string, unknown>>): object => ({ ...schema, type: [schema['type'], 'null'] })

const PATH = text('Path relative to the top of the repository.')

/** Every tool in the strict subset both providers take: all fields required (null where there is nothing to say), no others. */
export const TOOLS = {
  read: {
    name: 'read',
    description: 'Shows a text file, or a range of its lines. A file has to be read before it is changed.',
    parameters: object({
      path: text('Path relative to the top of the repository, or @output/N for a long output.'),
      range: orNull({
        ...object({ start: { type: 'integer', description: 'First line, from 1.' }, end: { type: 'integer', description: 'Last line.' } }),
        type: 'object',
      }),
    }),
  },
  search: {
    name: 'search',
    description: 'Finds lines by an extended regular expression (git grep -E), as path:line:text.',
    parameters: object({
      pattern: text('Extended regular expression.'),
      glob: orNull({ type: 'string', description: 'Such as src/**/*.ts.' }),
    }),
  },
  list: {
    name: 'list',
    description: 'Lists files that match a glob.',
    parameters: object({ glob: text('Such as **/*.py; ** for everything.') }),
  },
  edit: {
    name: 'edit',
    description: 'Replaces a text that stands in the file exactly once. Take enough lines around it, and all of its white space.',
    parameters: object({ path: PATH, old: text('The text as it stands.'), new: text('What stands there then, complete.') }),
  },
  write: {
    name: 'write',
    description: 'Writes a whole file: a new one, or a short one that was read.',
    parameters: object({ path: PATH, content: text('The whole file.') }),
  },
  replace_symbol: {
    name: 'replace_symbol',
    description: 'Replaces the whole declaration of a function, method, class or type, with its export and decorators.',
    parameters: object({ path: PATH, symbol: text('name, or Container.name.'), content: text('The whole declaration.') }),
  },
  run: {
    name: 'run',
    description: 'Runs a program in the sandbox, without network. The repository is its working directory.',
    parameters: object({
      argv: { type: 'array', items: { type: 'string' }, description: 'Program and arguments; no shell unless you name one.' },
      timeout: orNull({ type: 'integer', description: 'Seconds; 120 where null.' }),
    }),
  },
  done: {
    name: 'done',
    description: 'The change is complete. Say in a sentence or two what it does and why it is better.',
    parameters: object({ summary: text('For the person who reads the change.') }),
  },
  ask: {
    name: 'ask',
    description: 'Asks the person one question and waits for the answer. Only for what neither the files nor the tests can tell.',
    parameters: object({ question: text('One question.') }),
  },
} as const satisfies Record<string, ToolSpec>

export type ToolName = keyof typeof TOOLS

/** Names of the seeds, and what models call the same thing. `apply_patch` is understood, not offered. */
const ALIASES: Readonly<Record<string, ToolName>> = { bash: 'run', shell: 'run', code_read: 'read' }

export const APPLY_PATCH = 'apply_patch'

export function toolNamed(name: string): ToolName | null {
  if (Object.hasOwn(TOOLS, name)) return name as ToolName
  return Object.hasOwn(ALIASES, name) ? ALIASES[name]! : null
}

/** Looks at nothing but the tree: several of these may run at once. */
export const READ_ONLY: ReadonlySet<string> = new Set(['read', 'search', 'list'])
export const EDITING: ReadonlySet<string> = new Set(['edit', 'write', 'replace_symbol', APPLY_PATCH])
