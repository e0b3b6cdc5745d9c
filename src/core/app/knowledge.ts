import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Technology } from '../analysis/index.ts'
import type { DecidedChange } from '../improvement/index.ts'
import { asObject, messageOf } from '../kernel/index.ts'
import { type Artifact, NEVER_USED, type Past } from '../search/index.ts'

export type KnowledgeParts = {
  /** templates_data of the program. */
  dataFolder: string
  /** The worktree: its own rules stand in .singularity/rules. */
  root: string
  /** Decided changes, the latest first; empty where nothing was ever decided. */
  changes: () => Promise<readonly DecidedChange[]>
  /** What answered questions before, by the id of the answerer. */
  answered: () => Promise<ReadonlyMap<string, Past>>
  technologies: () => Promise<readonly Technology[]>
  /** A file of knowledge that cannot be read is told, not searched. */
  warn: (text: string) => void
}

/** Gathers what the program and this repository know, apart from the documents. */
export async function gatherKnowledge(parts: KnowledgeParts): Promise<Artifact[]> {
  const [changes, answered, technologies] = await Promise.all([parts.changes(), parts.answered(), parts.technologies()])
  const bySource = pastBy(changes, ({ source }) => [`${source.kind} ${source.id}`])
  return [
    ...rulesIn(join(parts.dataFolder, 'rules'), null, bySource, parts.warn),
    ...rulesIn(join(parts.root, '.singularity', 'rules'), '.singularity/rules', bySource, parts.warn),
    ...promptsIn(join(parts.dataFolder, 'prompts'), parts.warn),
    ...answerersIn(join(parts.dataFolder, 'answering', 'questions.json'), answered, parts.warn),
    ...technologies.map(technology),
    ...changes.map(changeArtifact),
  ]
}

/** What became of the changes, by what they have in common. */
export function pastBy(changes: readonly DecidedChange[], keysOf: (change: DecidedChange) => readonly string[]): Map<string, Past> {
  const past = new Map<string, Past>()
  for (const change of changes)
    for (const key of keysOf(change)) {
      const { uses, successes, lastUsedAt } = past.get(key) ?? NEVER_USED
      const succeeded = change.outcome === 'landed' ? 1 : 0
      past.set(key, { uses: uses + 1, successes: successes + succeeded, lastUsedAt: Math.max(lastUsedAt ?? 0, change.at) })
    }
  return past
}

type Named = { id?: unknown; title?: unknown; reason?: unknown; languages?: unknown; about?: unknown; words?: unknown; pass?: unknown }

/** Rule packs by their words alone: ast-grep is not loaded to talk about a rule. */
function rulesIn(folder: string, shown: string | null, past: ReadonlyMap<string, Past>, warn: KnowledgeParts['warn']): Artifact[] {
  return jsonFiles(folder, warn).flatMap(({ name, value }) => {
    const rules = asObject(value)['rules']
    return listOf(rules).flatMap((rule) => {
      if (typeof rule.id !== 'string') return []
      const languages = textsOf(rule.languages)
      const content = [rule.title, rule.reason, languages.length > 0 ? `For ${languages.join(', ')}.` : ''].filter(isText).join('\n')
      return [artifact('rule', rule.id, content, { languages, path: shown && `${shown}/${name}`, past: past.get(`rules ${rule.id}`) })]
    })
  })
}

function promptsIn(folder: string, warn: KnowledgeParts['warn']): Artifact[] {
  return jsonFiles(folder, warn).flatMap(({ value }) => {
    const prompt: Named & { system?: unknown; user?: unknown } = asObject(value)
    if (typeof prompt.id !== 'string') return []
    return [artifact('prompt', prompt.id, [prompt.about, ...textsOf(prompt.system), ...textsOf(prompt.user)].filter(isText).join('\n'), {})]
  })
}

function answerersIn(file: string, answered: ReadonlyMap<string, Past>, warn: KnowledgeParts['warn']): Artifact[] {
  return listOf(asObject(readJson(file, warn))['answerers']).flatMap((row) => {
    if (typeof row.id !== 'string') return []
    const questions = Array.isArray(row.pass) ? row.pass.flatMap((pair) => (Array.isArray(pair) ? textsOf(pair.slice(0, 1)) : [])) : []
    return [artifact('answerer', row.id, `Answers without a model: ${questions.join(' ')}`, { past: answered.get(row.id) })]
  })
}

const technology = ({ id, name, category, evidence }: Technology): Artifact =>
  artifact('technology', id, `${name} (${category}) is used here.`, { path: evidence.find(({ path }) => path !== '')?.path ?? null })

function changeArtifact({ id, title, outcome, reasons, files, at }: DecidedChange): Artifact {
  const content = [title, `${outcome === 'landed' ? 'Landed' : 'Not kept'}: ${files.join(', ')}`, ...reasons].join('\n')
  const past = { uses: 1, successes: outcome === 'landed' ? 1 : 0, lastUsedAt: at }
  return artifact('change', id, content, { path: files[0] ?? null, past })
}

function artifact(
  kind: Artifact['kind'],
  id: string,
  content: string,
  more: { languages?: readonly string[]; path?: string | null; past?: Past | undefined },
): Artifact {
  const { languages = [], path = null, past = NEVER_USED } = more
  return {
    id: `${kind}:${id}`,
    kind,
    name: id,
    content,
    languages,
    path,
    line: path === null ? null : 1,
    lineEnd: path === null ? null : 1,
    past,
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter(isText) : [])
const listOf = (value: unknown): Named[] => (Array.isArray(value) ? value.map((each) => asObject(each)) : [])

function jsonFiles(folder: string, warn: KnowledgeParts['warn']): { name: string; value: unknown }[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.endsWith('.schema.json'))
  return names.sort().map((name) => ({ name, value: readJson(join(folder, name), warn) }))
}

function readJson(file: string, warn: KnowledgeParts['warn']): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    warn(`${file} is not searched: ${messageOf(error)}`)
    return null
  }
}
