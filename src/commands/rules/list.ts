import { plural, printable } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { paint } from '../_cli/paint.ts'
import { openRules, ruleData } from '../_cli/repository-rules.ts'
import { Flags } from '../_cli/oclif.ts'

export default class RulesList extends BaseCommand {
  static override summary = "List the rules: those that came with the program and the repository's own."
  static override description = "The repository's own rules are read from .singularity/rules in the last commit, not from the working tree."
  static override examples = [
    '<%= config.bin %> rules list',
    '<%= config.bin %> rules list --language python --safety safe',
    '<%= config.bin %> rules list --json',
  ]
  static override flags = {
    language: Flags.string({
      description: 'Only rules for this language (javascript, typescript, python, go, rust, java, ruby, c).',
      env: 'SINGULARITY_LANGUAGE',
    }),
    safety: Flags.option({ options: ['safe', 'semantic', 'experimental'] as const })({
      description: 'Only rules of this safety.',
      env: 'SINGULARITY_SAFETY',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(RulesList)
    this.common(flags)
    const all = await openRules(await this.app())
    const rules = all.filter(
      (rule) =>
        (flags.language === undefined || rule.languages.some((language) => language === flags.language)) &&
        (flags.safety === undefined || rule.safety === flags.safety),
    )
    const width = Math.max(4, ...rules.map(({ id }) => id.length))
    const lines = rules.map(
      (rule) =>
        `${rule.id.padEnd(width)}  ${rule.safety.padEnd(12)}  ${printable(rule.title)}${rule.origin === 'built-in' ? '' : paint('dim', `  (${printable(rule.origin)})`)}`,
    )
    this.answer(
      { rules: rules.map(ruleData) },
      [...lines, '', `${plural(rules.length, 'rule')}. One in full: ${paint('cyan', 'singularity rules show ID')}`].join('\n'),
    )
  }
}
