import type { App } from '../../core/app.ts'
import { SingularityError } from '../../core/kernel/index.ts'
import type { Rule } from '../../core/rules/index.ts'

/** The built-in rules and, inside a repository with a commit, that commit's own. @throws RULE_INVALID */
export async function openRules(app: App): Promise<Rule[]> {
  const { loadRules } = await import('../../core/rules/index.ts')
  const git = await app.git().catch((error: unknown) => {
    // Rules can be read anywhere: only a real trouble with a repository is told.
    if (SingularityError.isInstance(error) && error.code === 'NOT_A_REPOSITORY') return undefined
    throw error
  })
  const head = await git?.resolve('HEAD')
  return loadRules(git === undefined || head === undefined ? undefined : git.reader(head))
}

/** A rule as `--json` shows it, without its examples. */
export function ruleData({
  id,
  version,
  languages,
  safety,
  title,
  reason,
  reference,
  requires,
  value,
  origin,
}: Rule): Record<string, unknown> {
  return { id, version, languages, safety, title, reason, reference, requires, value, origin }
}

export function requiresText(rule: Rule): string {
  const parts = Object.entries(rule.requires).map(([runtime, version]) => `${runtime} ${version}`)
  return parts.length === 0 ? 'any version' : parts.join(', ')
}
