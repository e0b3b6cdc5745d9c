import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { editSettings, hasSetting } from '../config/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { Plan } from '../validation/index.ts'
import type { SystemDeps } from './deps.ts'
import type { Proposal } from './propose.ts'

export type InitReport = {
  plan: {
    entries: { id: string; runner: string; scope: string; command: string; origin: string }[]
    steps: { id: string; kind: string; command: string; origin: string }[]
    notes: readonly string[]
  }
  proposals: Proposal[]
  file: string
  /** Whether the file was made now, and the names written to it; what it already said is left alone. */
  created: boolean
  written: string[]
}

/** Looks at the repository and proposes its settings. Without `write` nothing is made. @throws NO_COMMIT */
export async function initialize(deps: SystemDeps, options: { write: boolean }): Promise<InitReport> {
  const { detectPlan, proposeSettings } = await import('./first-look.ts')
  const git = await deps.git()
  const { root, prefix } = git.repository
  const head = await git.resolve('HEAD^{commit}')
  if (head === undefined) throw new SingularityError('NO_COMMIT', 'The repository has no commit yet: the plan is read from the last one.')
  const settings = await deps.settings()
  const reader = git.reader(head)
  const plan = await detectPlan({
    reader,
    root,
    prefix,
    test: settings.get('plan.test'),
    build: settings.get('plan.build'),
    env: settings.get('plan.env'),
    timeoutMs: settings.get('plan.timeout'),
    scopes: settings.get('plan.scope'),
  })
  const proposals = await proposeSettings({ git, reader, plan })
  const file = join(root, '.singularity', 'config.json')
  const created = options.write && !existsSync(file)
  return { plan: planData(plan), proposals, file, created, written: options.write ? write(root, file, proposals) : [] }
}

function planData({ entries, steps, notes }: Plan): InitReport['plan'] {
  return {
    entries: entries.map(({ id, runner, scope, command, origin }) => ({ id, runner, scope, command: command.join(' '), origin })),
    steps: steps.map(({ id, kind, command, origin }) => ({ id, kind, command: command.join(' '), origin })),
    notes,
  }
}

/** Adds what the file does not say yet. Links are refused: a clone could point them anywhere. */
function write(root: string, file: string, proposals: readonly Proposal[]): string[] {
  const folder = join(root, '.singularity')
  for (const path of [folder, file])
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new SingularityError('CONFIG_INVALID', `${path} is a symbolic link: nothing is written through it.`, { hints: [] })
  const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const wanted = proposals.filter(({ name, proposed }) => proposed && !hasSetting(before, name))
  if (before !== '' && wanted.length === 0) return []
  mkdirSync(folder, { recursive: true })
  if (before === '') {
    writeFileSync(file, firstFile(proposals))
    return wanted.map(({ name }) => name)
  }
  writeFileSync(
    file,
    wanted.reduce((text, { name, value }) => editSettings(text, name, value), before),
  )
  return wanted.map(({ name }) => name)
}

/** Every proposal with its reason; what is the default stands there as a comment, ready to be opened. */
function firstFile(proposals: readonly Proposal[]): string {
  const lines = proposals.flatMap(({ name, value, proposed, why }) => [
    `  // ${why.replaceAll('\n', ' ')}`,
    `  ${proposed ? '' : '// '}${JSON.stringify(name)}: ${JSON.stringify(value)},`,
  ])
  return `{\n${lines.join('\n')}\n}\n`
}
