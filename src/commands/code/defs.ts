import { BaseCommand } from '../_cli/base.ts'
import { Args } from '../_cli/oclif.ts'
import { presentSymbols, symbolsData } from '../_present/code-facts.ts'

export default class CodeDefs extends BaseCommand {
  static override summary = 'Find where a name is defined.'
  static override examples = ['<%= config.bin %> code defs parseDate', '<%= config.bin %> code defs Store.read --json']
  static override args = { name: Args.string({ required: true, description: 'A name, or Class.method.' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(CodeDefs)
    this.common(flags)
    const found = await (await this.app()).facts.definitions(args.name)
    this.answer(symbolsData(args.name, found), presentSymbols(found))
  }
}
