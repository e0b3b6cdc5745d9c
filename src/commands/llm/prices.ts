import { EXIT, shellQuote } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { confirm } from '../_cli/confirm.ts'
import { Args, Flags } from '../_cli/oclif.ts'
import { readText } from '../_cli/values.ts'
import { presentPrices } from '../_present/llm-prices.ts'

export default class LlmPrices extends BaseCommand {
  static override summary = 'Take prices of models from a file into your llm.json, after showing what changes.'
  static override description =
    'Reads the data file of @pydantic/genai-prices, or {"MODEL": {"input": 0.2, "output": 0.5, "cache_read": 0.02}} in dollars per million tokens. Only exact ids count. Comments in your file stay. Exit code 4 where somebody has to say yes first.'
  static override examples = [
    '<%= config.bin %> llm prices import prices.json --dry-run',
    '<%= config.bin %> llm prices import node_modules/@pydantic/genai-prices/data.json',
    'cat prices.json | <%= config.bin %> llm prices import - --yes',
  ]
  static override args = {
    action: Args.string({ description: 'import', options: ['import'], required: true }),
    file: Args.string({ description: 'File with prices, or - for standard input.', required: true }),
  }
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Only show what would change.', exclusive: ['yes'], env: 'SINGULARITY_DRY_RUN' }),
    yes: Flags.boolean({ char: 'y', description: 'Write without asking.', env: 'SINGULARITY_YES' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LlmPrices)
    this.common(flags)
    const { prices } = await (await this.app()).llm()
    const planned = prices.plan(await readText(args.file))
    const nothing = planned.changes.length === 0 && planned.as_of === null
    const asks = !flags['dry-run'] && !flags.yes && !nothing
    const mayAsk = asks && this.mayAsk(flags)
    if (mayAsk) this.say(presentPrices({ ...planned, written: false }), flags)
    const written = !nothing && !flags['dry-run'] && (Boolean(flags.yes) || (mayAsk && (await confirm(`Write this to ${planned.file}?`))))
    if (written) prices.apply(planned)
    const next = asks && !mayAsk ? `singularity llm prices import ${shellQuote(args.file)} --yes` : null
    const data = { ...planned, written }
    const text = mayAsk ? (written ? `Written to ${planned.file}.` : 'Nothing was written.') : presentPrices(data, next)
    this.answer(data, text, next === null ? EXIT.done : EXIT.personNeeded)
  }
}
