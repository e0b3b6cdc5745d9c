import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Technology } from '../analysis/index.ts'
import { messageOf, plural } from '../kernel/index.ts'
import type { LanguageRow } from './code-languages.ts'
import type { AppContext } from './context.ts'
import type { composeSearch } from './search.ts'

/** `limited`: it answers with less than it could; `missing`: it does not answer here. Both have a reason. */
export type EngineState = 'ready' | 'limited' | 'missing'

export type EngineRow = {
  name: (typeof ENGINES)[number]['name']
  serves: string
  commands: readonly string[]
  /** What does the work here. */
  by: string
  version: string | null
  state: EngineState
  /** What it knows here, in figures. */
  detail: string
  reason: string | null
}

export type EngineParts = {
  context: AppContext
  languages: () => Promise<LanguageRow[]>
  technologies: () => Promise<Technology[]>
  search: Pick<ReturnType<typeof composeSearch>, 'service'>
}

type Probe = Pick<EngineRow, 'by' | 'version' | 'detail'> & { reason?: string | null }

/** The eight engines, and what each is asked through. */
const ENGINES = [
  {
    name: 'architecture',
    serves: 'what a system is made of',
    commands: ['code deps', 'code tech', 'code graph', 'code impact', 'code engines'],
  },
  {
    name: 'code',
    serves: 'definitions, uses, functions and pieces',
    commands: ['code defs', 'code refs', 'code functions', 'code chunks', 'code tags'],
  },
  { name: 'parser', serves: 'facts of sources', commands: ['code analyze', 'code languages', 'code templates'] },
  { name: 'quality', serves: 'figures and limits', commands: ['code analyze', 'code hotspots', 'code duplicates'] },
  { name: 'knowledge', serves: 'rules that find and mend', commands: ['rules list', 'rules test', 'improve'] },
  { name: 'embedding', serves: 'meaning as vectors', commands: ['index', 'search'] },
  { name: 'semantic', serves: 'search by meaning, words and names', commands: ['search', 'index status'] },
  { name: 'prompt', serves: 'what models are asked', commands: ['ask', 'improve --goal'] },
] as const

/** The registry of engines as this machine and this repository have them. Nothing that fails stops the others. */
export function composeEngines({ context, languages, technologies, search }: EngineParts) {
  const data = join(context.packageRoot, 'templates_data')

  const probes: Record<EngineRow['name'], () => Promise<Probe>> = {
    async architecture() {
      const { DEPENDENCY_FORMATS, loadTechnologies } = await import('../analysis/index.ts')
      const detail = `${DEPENDENCY_FORMATS.length} kinds of manifests and lock files, ${loadTechnologies(data).length} technologies`
      return { by: 'data rules', version: context.version, detail }
    },
    async code() {
      const rows = await languages()
      return { by: 'facts of files', version: context.version, detail: `${rows.filter(({ tier }) => tier < 3).length} languages` }
    },
    async parser() {
      const rows = await languages()
      const engines = [...new Set(rows.filter(({ tier }) => tier === 1).map(({ engine }) => engine))].sort()
      const here = rows.filter(({ share, reason }) => (share ?? 0) > 0 && reason !== null)
      return {
        by: engines.length === 0 ? 'scanner' : engines.join(', '),
        version: context.version,
        detail: `${rows.filter(({ tier }) => tier === 1).length} languages by syntax, ${rows.filter(({ tier }) => tier === 2).length} by tokens`,
        reason: here.length === 0 ? null : `${here.map(({ id }) => id).join(', ')}: ${here[0]!.reason}`,
      }
    },
    async quality() {
      const { PROFILES, readVerification } = await import('../analysis/index.ts')
      const verified = Object.values(readVerification(data).languages).filter((each) => each.verified).length
      return {
        by: 'metrics',
        version: context.version,
        detail: `${PROFILES.length} profiles, ${verified} languages held against other programs`,
      }
    },
    async knowledge() {
      const { loadBuiltInRules } = await import('../rules/index.ts')
      const rules = loadBuiltInRules(data)
      const count = new Set(rules.flatMap((rule) => rule.languages)).size
      return { by: 'rule packs', version: context.version, detail: `${rules.length} rules for ${count} languages` }
    },
    async embedding() {
      const { BUNDLED_MODEL, openBundledEmbedder } = await import('../embedding/index.ts')
      const { id, dimensions } = openBundledEmbedder(join(data, 'models', BUNDLED_MODEL))
      return { by: 'bundled model', version: id, detail: `${dimensions} dimensions, on this machine` }
    },
    async semantic() {
      const { state, counts, behindFiles } = await (await search.service()).status()
      const detail = counts === null ? 'no index' : `${counts.files} files in ${counts.docs} pieces`
      const reason = {
        ready: null,
        none: 'there is no index: singularity index',
        behind: `the index is behind by ${behindFiles} files: singularity index`,
      }
      return { by: 'index', version: context.version, detail, reason: reason[state] }
    },
    async prompt() {
      const names = readdirSync(join(data, 'prompts')).filter((name) => name.endsWith('.json'))
      const { createPrompts } = await import('../answering/index.ts')
      const prompts = names.map((name) => createPrompts(data).get(name.slice(0, -'.json'.length)))
      return {
        by: 'handlebars',
        version: prompts.map(({ id, version }) => `${id} ${version}`).join(', '),
        detail: plural(prompts.length, 'template'),
      }
    },
  }

  async function engines(): Promise<EngineRow[]> {
    const rows: EngineRow[] = []
    for (const engine of ENGINES)
      rows.push(
        await probes[engine.name]().then(
          ({ reason = null, ...probe }) => ({ ...engine, ...probe, state: reason === null ? 'ready' : 'limited', reason }),
          (error: unknown) => ({ ...engine, by: '', version: null, state: 'missing', detail: '', reason: messageOf(error) }),
        ),
      )
    return rows
  }

  /** With the technologies of this repository; null outside of one. */
  return async (): Promise<{ engines: EngineRow[]; technologies: Technology[] | null }> => ({
    engines: await engines(),
    technologies: await technologies().catch(() => null),
  })
}
