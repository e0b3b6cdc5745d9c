import type { Git } from '../../git/index.ts'
import { SingularityError, digest, plural } from '../../kernel/index.ts'
import { LANGUAGES, languageOf, parseSource } from '../../parsing/index.ts'
import { loadRules, matchRule, scanRules, type Rule, type RuleFindings, type ScanReport } from '../../rules/index.ts'
import type { CandidateSource, Proposal, SourceContext, SourceReport } from '../source.ts'

const SAFETY_ORDER = { safe: 0, semantic: 1, experimental: 2 } as const

/** Files between two words of progress. */
const PROGRESS_EVERY = 250

/**
 * The built-in rules and the repository's own, read from the base commit. One rule in one package is one candidate; each place is a site
 * that may be dropped alone. Experimental rules take part only when named in `only`.
 * @throws RULE_INVALID where a pack of the repository is wrong, USAGE where `only` names a rule nobody has
 */
export function createRuleSource(deps: { git: Git; only: readonly string[] }): CandidateSource {
  return {
    kind: 'rules',
    async find(context) {
      const reader = deps.git.reader(context.base)
      const rules = chooseRules(await loadRules(reader), deps.only)
      let looked = 0
      const report = await scanRules({
        reader,
        rules,
        paths: context.paths,
        isProtected: context.isProtected,
        ...(context.signal === undefined ? {} : { signal: context.signal }),
        onFile: () => {
          looked++
          if (looked % PROGRESS_EVERY === 0) context.onProgress?.(plural(looked, 'file'))
        },
      })
      return reportOf(context, report, rules.length)
    },
  }
}

/** The rules of these names; all but the experimental ones where none is named. @throws USAGE */
export function chooseRules(rules: readonly Rule[], only: readonly string[]): Rule[] {
  const unknown = only.find((id) => !rules.some((rule) => rule.id === id))
  if (unknown !== undefined) throw new SingularityError('USAGE', `No rule is named ${unknown}`, { hints: ['singularity rules list'] })
  return rules.filter((rule) => (only.length === 0 ? rule.safety !== 'experimental' : only.includes(rule.id)))
}

function reportOf(context: SourceContext, report: ScanReport, rules: number): SourceReport {
  // Safe before semantic, what removes bugs before what tidies, much before little; then by name, so that two runs agree.
  const ordered = [...report.findings].sort(
    (a, b) =>
      SAFETY_ORDER[a.rule.safety] - SAFETY_ORDER[b.rule.safety] ||
      b.rule.value - a.rule.value ||
      b.sites.length - a.sites.length ||
      (a.rule.id < b.rule.id ? -1 : a.rule.id > b.rule.id ? 1 : 0) ||
      (a.scope < b.scope ? -1 : 1),
  )
  const notes = [
    `${plural(rules, 'rule')} looked at ${plural(report.files, 'file')} and found ${plural(report.findings.length, 'candidate')}.`,
  ]
  if (report.refused.size > 0) {
    const [[id, reason] = ['', '']] = report.refused
    notes.push(`${plural(report.refused.size, 'rule')} held back because of the declared platform (${id}: ${reason}).`)
  }
  const broken = report.skipped['breaks-syntax'] + report.skipped['never-settles']
  if (broken > 0) notes.push(`${plural(broken, 'file')} left alone because a rule's result would not parse or not settle there.`)
  for (const [language, files] of report.unread)
    notes.push(
      `${plural(files, 'file')} of ${LANGUAGES[language].name} not looked at, the grammar is not here: singularity code languages add ${language}`,
    )
  return { proposals: ordered.slice(0, context.maxCandidates).map(proposalOf), notes }
}

function proposalOf({ rule, scope, sites, blobs }: RuleFindings): Proposal {
  return {
    title: rule.title,
    source: { kind: 'rules', id: rule.id, version: String(rule.version) },
    fingerprint: digest({ rule: rule.id, version: rule.version, scope, blobs }),
    scope,
    sites,
    changes: [],
    reason: rule.reason,
    reference: rule.reference,
    safety: rule.safety,
    value: rule.value,
    explicit: false,
    recount(path, text) {
      const language = languageOf(path)
      const source = language === undefined ? undefined : parseSource(text, language)
      return source === undefined ? 0 : matchRule(rule, source).length
    },
  }
}
