import { BaseCommand } from '../_cli/base.ts'
import { presentRoutes } from '../_present/llm.ts'

export default class LlmRoutes extends BaseCommand {
  static override summary = 'Show which models answer which requests, and where each value comes from.'
  static override description =
    'The table of the program, your own llm.json, llm budget set and the environment, in this order; the file of a repository may only narrow the result.'
  static override examples = ['<%= config.bin %> llm routes', '<%= config.bin %> llm routes --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(LlmRoutes)
    this.common(flags)
    const { overview } = await (await this.app()).llm()
    const data = overview.routes()
    this.answer(data, presentRoutes(data))
  }
}
