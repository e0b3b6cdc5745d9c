import { BaseCommand } from '../_cli/base.ts'
import { presentModels } from '../_present/llm.ts'

export default class LlmModels extends BaseCommand {
  static override summary = 'List the models of the routing table with their prices, windows and what keeps them from being used.'
  static override examples = ['<%= config.bin %> llm models', '<%= config.bin %> llm models --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(LlmModels)
    this.common(flags)
    const { overview } = await (await this.app()).llm()
    const data = overview.models()
    this.answer(data, presentModels(data))
  }
}
