import { BaseCommand } from '../_cli/base.ts'
import { Args } from '../_cli/oclif.ts'
import { presentSymbols, symbolsData } from '../_present/code-facts.ts'

export default class CodeRefs extends BaseCommand {
  static override summary = 'Find where a name is used.'
  static override examples = ['<%= config.bin %> code refs parseDate', '<%= config.bin %> code refs Store.read --json']
  static override args = { name: Args.string({ required: true, description: 'A name; of Class.method only the last part counts.' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(CodeRefs)
    this.common(flags)
    const found = await (await this.app()).facts.references(args.name)
    this.answer(symbolsData(args.name, found), presentSymbols(found))
  }
}
