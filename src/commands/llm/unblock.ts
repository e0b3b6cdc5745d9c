import { BaseCommand } from '../_cli/base.ts'
import { Args } from '../_cli/oclif.ts'
import { presentUnblocked } from '../_present/llm-check.ts'

export default class LlmUnblock extends BaseCommand {
  static override summary = 'Let a provider be called again that was blocked for its key or its quota.'
  static override description =
    'A refused key or an empty account blocks a provider for all your repositories, until you say that it was mended.'
  static override examples = ['<%= config.bin %> llm unblock openai']
  static override args = { provider: Args.string({ description: 'Name of the provider in the routing table.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LlmUnblock)
    this.common(flags)
    const { overview } = await (await this.app()).llm()
    const data = overview.unblock(args.provider)
    this.answer(data, presentUnblocked(data))
  }
}
