import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Git } from '../../git/index.ts'
import { digest, groupBy } from '../../kernel/index.ts'
import type { JailProfile, Sandbox, SandboxRoom } from '../../sandbox/index.ts'
import { sitesOfDiff } from '../edits.ts'
import type { CandidateSource, Proposal, Site, SourceContext } from '../source.ts'
import { freezeEdits } from './exec.ts'
import { packageOf } from '../../validation/index.ts'
import { FIXERS, type Fix, type Fixer, type FixerProject } from './fixers/index.ts'

const MAX_FILES = 50
const MAX_RULES = 20
const REPORT = 'fixer-report'
const REPORT_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 10 * 60_000

export type FixerDeps = {
  git: Git
  sandboxes: SandboxRoom
  profile: (base: string, binaries: readonly string[]) => Promise<JailProfile>
  runId: string
  /** Package folders of the plan, '' for the top. */
  scopes: readonly string[]
  path: string
}

/**
 * The project's own linters and formatters, run in the jail with the project's own configuration (which is code). One
 * rule in one package is one candidate; a rule that touches more than 50 files is cut there and says so.
 */
export function createFixerSource(deps: FixerDeps): CandidateSource {
  return {
    kind: 'fixers',
    async find(context) {
      const proposals: Proposal[] = []
      const notes: string[] = []
      const packages = deps.scopes.map((scope) => ({ scope }))
      for (const fixer of FIXERS) {
        const projects = await projectsOf(fixer, deps, context, packages)
        const clean: string[] = []
        for (const project of projects) {
          if (context.signal?.aborted) break
          const { scope } = project
          const program = fixer.program(project)
          if (!program) {
            notes.push(`${fixer.id} is configured${scope === '' ? '' : ` in ${scope}`} but not installed.`)
            continue
          }
          context.onProgress?.(`${fixer.id} ${scope}`.trim())
          // the nearest configuration speaks for a file
          const scopeOf = (file: string): string | undefined =>
            packageOf(file, projects) === scope ? packageOf(file, packages) : undefined
          const found = await runFixer(deps, { ...context, scopeOf }, fixer, project, program)
          if (found.notes.length === 0 && found.proposals.length === 0) clean.push(scope)
          proposals.push(...found.proposals)
          notes.push(...found.notes)
        }
        const where = clean.length > 1 ? ` in ${clean.length} packages` : (clean[0] ?? '') === '' ? '' : ` in ${clean[0]}`
        if (clean.length > 0) notes.push(`${fixer.id}: nothing to fix${where}.`)
      }
      if (proposals.length === 0 && notes.length === 0) notes.push('fixers: no linter with a fix mode is configured here.')
      return { proposals, notes }
    },
  }
}

/**
 * Where a fixer runs: at the top, whose configuration holds for the packages below, and in each package that has one of its
 * own; where paths were asked for, in their packages.
 */
async function projectsOf(
  fixer: Fixer,
  deps: FixerDeps,
  { base, paths }: SourceContext,
  packages: readonly { scope: string }[],
): Promise<FixerProject[]> {
  const isAsked = (scope: string): boolean =>
    paths.length === 0 || paths.some((path) => packageOf(path, packages) === scope || scope.startsWith(`${path}/`))
  const scopes = deps.scopes.filter(isAsked)
  const top = projectAt(deps, base, '')
  const fromTop = scopes.includes('') && (await fixer.used(top))
  const found: FixerProject[] = fromTop ? [top] : []
  for (const scope of scopes) {
    const project = projectAt(deps, base, scope)
    if (scope !== '' && (await fixer.used({ ...project, alone: fromTop }))) found.push(project)
  }
  return found
}

function projectAt(deps: FixerDeps, base: string, scope: string): FixerProject {
  const { root } = deps.git.repository
  return {
    reader: deps.git.reader(base),
    scope,
    root,
    findModule: (name) => [join(root, scope, 'node_modules', name), join(root, 'node_modules', name)].find((path) => existsSync(path)),
    findProgram: (name) =>
      deps.path
        .split(delimiter)
        .map((folder) => join(folder, name))
        .find(isExecutable),
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** `scopeOf`: the package of a file, undefined where another run speaks for it. */
type FixerContext = SourceContext & { scopeOf: (file: string) => string | undefined }

async function runFixer(deps: FixerDeps, context: FixerContext, fixer: Fixer, project: FixerProject, program: readonly string[]) {
  const profile = await deps.profile(context.base, [program[0]!])
  const sandbox = await deps.sandboxes.create({ commit: context.base, purpose: 'edit', runId: deps.runId, profile })
  try {
    const { report, timedOut } = await runReport(sandbox, fixer.report(program), project.scope, context)
    if (timedOut)
      return { proposals: [], notes: [`${fixer.id} was stopped: it had no more time. --source fixers gives it all of --time-limit.`] }
    if (report === undefined) return { proposals: [], notes: [`${fixer.id} did not run in the sandbox.`] }
    const notes: string[] = []
    const groups =
      fixer.kind === 'reporting'
        ? bySite(await fixer.read(report, project))
        : await rewrite(deps, sandbox, context, fixer, project, program, report, notes)
    const proposals: Proposal[] = []
    for (const [rule, sites] of groups)
      for (const [scope, own] of groupBy(sites, ({ file }) => context.scopeOf(file))) {
        const proposal = scope !== undefined && (await toProposal(deps.git, context, fixer, scope, rule, own, notes))
        if (proposal) proposals.push(proposal)
      }
    return { proposals, notes }
  } finally {
    await sandbox.discard()
  }
}

/** Runs a command with its output in /out; no report where it could not run (a linter's findings exit non-zero). */
async function runReport(
  sandbox: Sandbox,
  command: readonly string[],
  scope: string,
  { timeLeft }: SourceContext,
): Promise<{ report?: string | undefined; timedOut: boolean }> {
  const timeoutMs = Math.min(TIMEOUT_MS, timeLeft?.() ?? TIMEOUT_MS)
  if (timeoutMs <= 0) return { timedOut: true }
  await sandbox.clearOut()
  const result = await sandbox.run({
    command: ['sh', '-c', `exec "$@" > /out/${REPORT}`, 'sh', ...command],
    cwd: scope,
    timeoutMs,
  })
  if (result.timedOut) return { timedOut: true }
  if (result.exitCode === null || result.exitCode > 101 || result.exitCode === 2) return { timedOut: false }
  return { report: (await sandbox.readOut(REPORT, REPORT_BYTES))?.toString('utf8'), timedOut: false }
}

function bySite(fixes: readonly Fix[]): Map<string, Site[]> {
  const groups = new Map<string, Site[]>()
  for (const [rule, own] of groupBy(fixes, ({ rule }) => rule)) {
    const sites: Site[] = []
    for (const [file, inFile] of groupBy(own, (fix) => fix.file)) {
      let end = -1
      // Fixes of one rule may overlap (a linter applies them over several passes): the first of them stands.
      for (const fix of inFile.toSorted((a, b) => a.edits[0]!.start - b.edits[0]!.start)) {
        const edits = fix.edits.toSorted((a, b) => a.start - b.start)
        if (edits[0]!.start < end || edits.length === 0) continue
        end = Math.max(...edits.map((edit) => edit.end))
        sites.push({ file, line: fix.line, edits })
      }
    }
    groups.set(rule, sites)
  }
  return groups
}

async function rewrite(
  deps: FixerDeps,
  sandbox: Sandbox,
  context: SourceContext,
  fixer: Extract<Fixer, { kind: 'rewriting' }>,
  project: FixerProject,
  program: readonly string[],
  report: string,
  notes: string[],
): Promise<Map<string, Site[]>> {
  const groups = new Map<string, Site[]>()
  const rules = fixer.rules(report)
  if (rules.length > MAX_RULES) notes.push(`${fixer.id}: the first ${MAX_RULES} of ${rules.length} rules with findings were tried.`)
  for (const rule of rules.slice(0, MAX_RULES)) {
    if (context.signal?.aborted) break
    const { timedOut } = await runReport(sandbox, fixer.fix(program, rule), project.scope, context)
    if (timedOut) {
      notes.push(`${fixer.id} was stopped at ${rule}: it had no more time. --source fixers gives it all of --time-limit.`)
      break
    }
    const { tree, count } = await freezeEdits(deps.git, sandbox, context.base, `${fixer.id} ${rule}`)
    if (count > 0) groups.set(rule, (await sitesOfDiff(deps.git, context.base, tree)).sites)
    await sandbox.moveTo(context.base)
  }
  return groups
}

async function toProposal(
  git: Git,
  context: SourceContext,
  fixer: Fixer,
  scope: string,
  rule: string,
  found: readonly Site[],
  notes: string[],
): Promise<Proposal | undefined> {
  const wanted = (file: string): boolean =>
    !context.isProtected(file) && (context.paths.length === 0 || context.paths.some((path) => file === path || file.startsWith(`${path}/`)))
  const allowed = found.filter(({ file }) => wanted(file))
  const reader = git.reader(context.base)
  const known = new Map<string, string>()
  for (const file of [...new Set(allowed.map((site) => site.file))].toSorted()) {
    const entry = await reader.entry(file)
    if (entry) known.set(file, entry.oid)
  }
  const [files, blobs] = [[...known.keys()].slice(0, MAX_FILES), [...known.values()].slice(0, MAX_FILES)]
  if (known.size > MAX_FILES) notes.push(`${fixer.id} ${rule}: the first ${MAX_FILES} of ${known.size} files.`)
  const sites = allowed.filter(({ file }) => files.includes(file))
  if (sites.length === 0) return undefined
  return {
    title: `Fix ${rule} (${fixer.id})`,
    source: { kind: 'fixers', id: `${fixer.id}/${rule}`, version: '1' },
    fingerprint: digest({ fixer: fixer.id, rule, scope, files, blobs, sites: sites.length }),
    scope,
    sites,
    changes: [],
    reason: `The project's own ${fixer.id} asks for it (${rule}).`,
    safety: 'semantic',
    explicit: false,
  }
}
