import { posix } from 'node:path'
import type { ChangedFile, Git } from '../git/index.ts'
import { astEqual, languageOf, parseSource } from '../parsing/index.ts'
import { type Platform, declaredPlatform, packageFinder, platformViolations } from '../rules/index.ts'
import {
  type Evidence,
  type FactSource,
  type WeakeningReport,
  detectWeakening,
  exportedApi,
  exportedApiChanges,
  NAMES_JUDGE,
  newJudgeNames,
  newSuppressions,
  privilegedChanges,
} from '../validation/index.ts'

type Finding = Evidence['contract'][number]

const LARGEST_PARSED = 2 * 1024 * 1024

export type StaticReport = {
  findings: Finding[]
  changed: ChangedFile[]
  weakening: WeakeningReport
  /** Files whose syntax tree is provably the same in base and candidate. */
  equalTrees: ReadonlySet<string>
}

type Options = {
  git: Git
  base: string
  commit: string
  scope: string
  explicit: boolean
  isTestFile: (path: string) => boolean
  /** The test files that ran on the base: an exclusion in the runner's configuration is judged by what it hides of them. */
  baseTestFiles: readonly string[]
  /** Reads tests of languages that have no syntax table of their own. */
  facts: () => Promise<FactSource>
}

/**
 * The static contract of a candidate, before anything of it runs: it parses, keeps to the declared platform, keeps the
 * exported interface (an explicit candidate may announce a change; a person then reads it), adds no suppression, and
 * what it does to tests and privileged files is on the table.
 */
export async function checkContract(options: Options): Promise<StaticReport> {
  const { git, base, commit, explicit } = options
  const [before, after] = [git.reader(base), git.reader(commit)]
  const changed = await git.changedFiles(base, commit)
  const readText = async (reader: typeof before, path: string): Promise<string | undefined> => {
    const bytes = await reader.read(path)
    return bytes && bytes.length <= LARGEST_PARSED && !bytes.includes(0) ? bytes.toString('utf8') : undefined
  }
  const readBase = async (path: string): Promise<string | undefined> => readText(before, path)
  const readCandidate = async (path: string): Promise<string | undefined> => readText(after, path)

  const findings: Finding[] = []
  const equalTrees = new Set<string>()
  // What a person hands in may touch several packages; each declares its own platform.
  const packageOf = await packageFinder(before)
  const platforms = new Map<string, Promise<Platform>>()
  const platformOf = (scope: string): Promise<Platform> => {
    const known = platforms.get(scope) ?? declaredPlatform(before, scope)
    platforms.set(scope, known)
    return known
  }
  for (const file of changed) {
    if (!options.isTestFile(file.oldPath ?? file.path))
      findings.push(...(await goneModule(file, changed, readBase, readCandidate, explicit)))
    if (file.status === 'deleted') continue
    const language = languageOf(file.path)
    const [old, next] = [(await readBase(file.oldPath ?? file.path)) ?? '', await readCandidate(file.path)]
    if (!language || next === undefined) continue
    const errors = (text: string): number => parseSource(text, language)?.errorCount() ?? 0
    if (errors(next) > errors(old)) {
      findings.push({ name: 'parses', ok: false, detail: `${file.path} does not parse any more` })
      continue
    }
    if (old !== '' && astEqual(old, next, language)) equalTrees.add(file.path)
    if (options.isTestFile(file.path)) continue
    for (const violation of platformViolations(
      old,
      next,
      language,
      await platformOf(explicit ? packageOf(file.path, language) : options.scope),
    ))
      findings.push({
        name: 'platform',
        // What nobody declared cannot be broken for sure: a person who hands in a change knows what it runs on.
        ok: explicit && !violation.declared,
        detail: `${file.path}:${violation.line} ${violation.title} ${violation.detail}`,
      })
    for (const suppression of newSuppressions(old, next, language))
      findings.push({
        name: 'suppression',
        ok: false,
        detail: `${file.path}:${suppression.line} adds ${suppression.text.trim().slice(0, 60)}`,
      })
    for (const judge of newJudgeNames(old, next, language))
      findings.push({
        name: NAMES_JUDGE,
        ok: true,
        detail: `${file.path}:${judge.line} is no test and begins to use ${judge.text}`,
        privileged: true,
      })
    findings.push(...apiFindings(file, old, next, explicit))
  }
  const candidatePaths = (await after.entries()).map(({ path }) => path)
  for (const { path, kind, detail } of await privilegedChanges({ changedFiles: changed, readBase, readCandidate, candidatePaths }))
    findings.push({
      name: 'privileged',
      ok: kind !== 'symlink_leaves_tree' && kind !== 'name_clash',
      detail: `${path} (${kind}${detail === '' ? '' : `, ${detail}`})`,
      privileged: true,
    })
  const { isTestFile, baseTestFiles, facts } = options
  const weakening = await detectWeakening({ changedFiles: changed, readBase, readCandidate, isTestFile, baseTestFiles, facts })
  return { findings, changed, weakening, equalTrees }
}

function apiFindings(file: ChangedFile, before: string, after: string, explicit: boolean): Finding[] {
  const language = languageOf(file.path)
  const changes = before === '' || !language ? undefined : exportedApiChanges(before, after, language)
  if (!changes || (changes.removed.length === 0 && changes.changed.length === 0)) return []
  const names = [...changes.removed, ...changes.changed.map(({ name }) => name)].slice(0, 3).join(', ')
  return [interfaceFinding(`${file.path}: ${names} ${changes.removed.length > 0 ? 'is gone' : 'has another signature'}`, explicit)]
}

function interfaceFinding(detail: string, explicit: boolean): Finding {
  return { name: 'exported interface', ok: explicit, detail, privileged: true }
}

type ReadText = (path: string) => Promise<string | undefined>

/** What a deleted or moved file exported is gone from where others import it. */
async function goneModule(
  file: ChangedFile,
  changed: readonly ChangedFile[],
  readBase: ReadText,
  readCandidate: ReadText,
  explicit: boolean,
): Promise<Finding[]> {
  const from = file.oldPath ?? file.path
  const language = languageOf(from)
  if (!language || (file.status !== 'deleted' && file.status !== 'renamed')) return []
  const names = (exportedApi((await readBase(from)) ?? '', language) ?? []).map(({ name }) => name)
  // Go imports folders, not files: what another file of the package declares now is not gone.
  const siblings =
    language === 'go' ? changed.filter(({ path, status }) => status !== 'deleted' && posix.dirname(path) === posix.dirname(from)) : []
  const texts = await Promise.all(siblings.map(({ path }) => readCandidate(path)))
  const declared = new Set(texts.flatMap((text) => exportedApi(text ?? '', language) ?? []).map(({ name }) => name))
  const gone = names.filter((name) => !declared.has(name))
  if (gone.length === 0) return []
  const where = file.status === 'renamed' ? `moved to ${file.path}` : 'is gone'
  return [interfaceFinding(`${from} ${where}, with ${gone.slice(0, 3).join(', ')}${gone.length > 3 ? ', …' : ''}`, explicit)]
}
