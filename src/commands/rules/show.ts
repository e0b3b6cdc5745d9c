import { SingularityError, printable, suggest } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { paint } from '../_cli/paint.ts'
import { openRules, requiresText, ruleData } from '../_cli/repository-rules.ts'
import { Args } from '../_cli/oclif.ts'

const linesOf = (text: string): string[] => text.trimEnd().split('\n')

export default class RulesShow extends BaseCommand {
  static override summary = 'Show one rule: what it changes, why, since which versions, and its examples.'
  static override examples = ['<%= config.bin %> rules show js/prefer-includes', '<%= config.bin %> rules show go/errors-is --json']
  static override args = { id: Args.string({ description: "The rule's id.", required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RulesShow)
    this.common(flags)
    const rules = await openRules(await this.app())
    const rule = rules.find(({ id }) => id === args.id)
    if (rule === undefined) {
      const near = suggest(
        args.id,
        rules.map(({ id }) => id),
      )
      throw new SingularityError('NOT_FOUND', `No rule is named ${args.id}.`, {
        hints: [near === undefined ? 'singularity rules list' : `singularity rules show ${near}`],
      })
    }
    const examples = rule.invalid.flatMap(({ before, after }) => [
      ...linesOf(before).map((line) => paint('red', `  - ${line}`)),
      ...linesOf(after).map((line) => paint('green', `  + ${line}`)),
      '',
    ])
    const text = [
      `${paint('bold', rule.id)}  version ${rule.version}, ${rule.safety}, ${rule.origin}`,
      rule.title,
      '',
      rule.reason,
      rule.reference,
      '',
      `Languages: ${rule.languages.join(', ')}`,
      `Needs:     ${requiresText(rule)}`,
      '',
      'Changes',
      ...examples,
      'Leaves alone',
      ...rule.valid.flatMap(linesOf).map((line) => `    ${line}`),
      '',
      `Try it: ${paint('cyan', `singularity improve --rule ${rule.id}`)}`,
    ]
    const { rule: pattern, constraints, guards, fix, literals, invalid, valid } = rule
    this.answer(
      { ...ruleData(rule), pattern, constraints: constraints ?? null, guards: guards ?? null, fix, literals, invalid, valid },
      text.map((line) => (line.includes('\u001b') ? line : printable(line))).join('\n'),
    )
  }
}
