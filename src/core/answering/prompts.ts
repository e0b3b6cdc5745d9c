import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError, parseJson } from '../kernel/index.ts'

export type PromptMessages = { role: 'system' | 'user'; content: string }[]

export type Prompt = {
  id: string
  version: number
  /** Fills the template. Every name it uses has to be there. */
  render(values: Readonly<Record<string, unknown>>): Promise<PromptMessages>
}

export type Prompts = { get(id: string): Prompt }

type Source = { id: string; version: number; system: readonly string[]; user: readonly string[] }
type Render = (values: object) => string

/** The whole list: a template computes nothing and reads nothing. */
const HELPERS: Readonly<Record<string, (value: unknown) => string>> = {
  json: (value) => JSON.stringify(value),
  /** In a code fence longer than any inside the text, so that the text cannot end it. */
  fence: (value) => {
    const text = String(value)
    const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
    const marks = '`'.repeat(longest + 1)
    return `${marks}\n${text}${text.endsWith('\n') ? '' : '\n'}${marks}`
  },
}
const BLOCKS = ['if', 'unless', 'each', 'with'] as const

/** What a template may be called with: plain data, without anything it inherited. */
function plain(values: unknown): unknown {
  return values === undefined ? undefined : (parseJson(JSON.stringify(values)) ?? null)
}

async function compile(text: string): Promise<Render> {
  const { default: handlebars } = await import('handlebars')
  const own = handlebars.create()
  for (const name of Object.keys(own.helpers)) if (!(BLOCKS as readonly string[]).includes(name)) own.unregisterHelper(name)
  for (const [name, helper] of Object.entries(HELPERS)) own.registerHelper(name, (value: unknown) => helper(value))
  const known = Object.fromEntries([...Object.keys(HELPERS), ...BLOCKS].map((name) => [name, true]))
  // `missing` are what handlebars calls for names that are neither helper nor value
  own.registerHelper('helperMissing', () => {
    throw new SingularityError('INTERNAL', 'A prompt template calls a helper that is not allowed.')
  })
  const template = own.compile(text, { noEscape: true, strict: true, knownHelpers: known, knownHelpersOnly: true })
  return (values) => template(values, { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false })
}

/**
 * The prompts that came with the program (templates_data/prompts), read and compiled at their first use. Nobody else's: a template is
 * part of the program, its version part of every cached answer's key.
 */
export function createPrompts(dataFolder: string): Prompts {
  const known = new Map<string, Prompt>()
  return {
    get(id) {
      const found = known.get(id)
      if (found) return found
      const source = JSON.parse(readFileSync(join(dataFolder, 'prompts', `${id}.json`), 'utf8')) as Source
      const parts = (['system', 'user'] as const).map((role) => ({ role, text: source[role].join('\n') }))
      let compiled: Promise<Render[]> | undefined
      const prompt: Prompt = {
        id: source.id,
        version: source.version,
        async render(values) {
          compiled ??= Promise.all(parts.map(({ text }) => compile(text)))
          const data = plain(values) as object
          return (await compiled)
            .map((render, index) => ({ role: parts[index]!.role, content: render(data).trim() }))
            .filter(({ content }) => content !== '')
        },
      }
      known.set(id, prompt)
      return prompt
    },
  }
}
