import { SingularityError } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { presentBudget } from '../_present/llm.ts'
import { Args } from '../_cli/oclif.ts'

const HINTS = ['singularity llm budget set day 5', 'singularity llm budget set month 50']

export default class LlmBudget extends BaseCommand {
  static override summary = 'Show what was spent of each cap, or set your cap of every day or month.'
  static override description =
    'Money belongs to your account, not to a repository: the caps hold over all repositories and programs together, in UTC days and months.'
  static override examples = [
    '<%= config.bin %> llm budget',
    '<%= config.bin %> llm budget set day 2.50',
    '<%= config.bin %> llm budget set month 20 --json',
    '<%= config.bin %> llm budget confirm',
  ]
  static override args = {
    action: Args.string({
      description: 'set, to change a cap; confirm, to go on with the sums of a ledger that was mended.',
      options: ['set', 'confirm'],
    }),
    scope: Args.string({ description: 'Which cap: day or month.', options: ['day', 'month'] }),
    usd: Args.string({ description: 'The cap in US dollars.' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LlmBudget)
    this.common(flags)
    const { overview } = await (await this.app()).llm()
    if (args.action === undefined) {
      const data = overview.budget()
      return this.answer(data, presentBudget(data))
    }
    if (args.action === 'confirm') {
      const data = overview.confirmBudget()
      return this.answer(data, presentBudget(data))
    }
    if (args.scope === undefined || args.usd === undefined || !/^\$?\d+(\.\d+)?$/.test(args.usd))
      throw new SingularityError('USAGE', 'A cap needs day or month, and an amount in dollars.', { hints: HINTS })
    const data = overview.setBudget(args.scope as 'day' | 'month', Number(args.usd.replace('$', '')))
    this.answer(data, presentBudget(data))
  }
}
