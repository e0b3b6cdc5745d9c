import { EXIT, SingularityError, plural, printable } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { paint } from '../_cli/paint.ts'
import { openRules } from '../_cli/repository-rules.ts'
import { Args } from '../_cli/oclif.ts'

export default class RulesTest extends BaseCommand {
  static override summary = "Run every example of the rules, built-in and the repository's own."
  static override description =
    'Each changed example must come out exactly as written, each valid one must stay as it is. Exit 1 where one does not, 2 where a rule is not valid.'
  static override examples = ['<%= config.bin %> rules test', '<%= config.bin %> rules test own/logger']
  static override args = { id: Args.string({ description: 'Only this rule.' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RulesTest)
    this.common(flags)
    const all = await openRules(await this.app())
    const rules = args.id === undefined ? all : all.filter(({ id }) => id === args.id)
    if (rules.length === 0)
      throw new SingularityError('NOT_FOUND', `No rule is named ${args.id ?? ''}.`, { hints: ['singularity rules list'] })
    const { runExamples } = await import('../../core/rules/index.ts')
    const results = rules.map((rule) => runExamples(rule))
    const failures = results.flatMap((result) => result.failures)
    const examples = results.reduce((sum, { count }) => sum + count, 0)
    const lines = failures.flatMap(({ rule, language, example, expected, actual }) => [
      paint('red', `${rule} (${language})`),
      `  example   ${printable(JSON.stringify(example))}`,
      `  expected  ${printable(JSON.stringify(expected))}`,
      `  actual    ${printable(JSON.stringify(actual))}`,
    ])
    const own = rules.filter(({ origin }) => origin !== 'built-in').length
    const summary = `${plural(rules.length, 'rule')} (${own} of this repository), ${plural(examples, 'example')}, ${plural(failures.length, 'failure')}`
    this.answer(
      { rules: rules.length, own, examples, failures },
      [...lines, failures.length === 0 ? paint('green', summary) : summary].join('\n'),
      failures.length === 0 ? EXIT.done : EXIT.negative,
    )
  }
}
