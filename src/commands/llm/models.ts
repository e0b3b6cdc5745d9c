import { EXIT } from '../../core/kernel/index.ts'
import { BaseCommand, settingsOf } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'
import { presentListings } from '../_present/llm-check.ts'
import { presentModels } from '../_present/llm.ts'

export default class LlmModels extends BaseCommand {
  static override summary = 'List the models of the routing table with their prices, windows and what keeps them from being used.'
  static override description =
    '--check asks the providers that are set up which models they have, which costs nothing: what they do not know is marked until they do. Exit code 7 when none of them answers, 1 when a model is unknown.'
  static override examples = ['<%= config.bin %> llm models', '<%= config.bin %> llm models --check', '<%= config.bin %> llm models --json']
  static override flags = {
    check: Flags.boolean({ description: 'Ask the providers which models they know.', env: 'SINGULARITY_LLM_MODELS_CHECK' }),
    offline: Flags.boolean({ description: 'Ask only servers on this machine.', env: 'SINGULARITY_OFFLINE' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(LlmModels)
    this.common(flags)
    const app = await this.app(settingsOf(flags))
    const checked = flags.check ? (await app.models.listings()).providers : null
    const { overview } = await app.llm()
    const data = { ...overview.models(), checked }
    const text = checked === null ? presentModels(data) : `${presentModels(data)}\n\n${presentListings(checked)}`
    const asked = (checked ?? []).filter(({ state }) => state !== 'skipped')
    const dark = checked !== null && !asked.some(({ state }) => state === 'listed')
    this.answer(data, text, dark ? EXIT.provider : asked.some(({ unknown }) => unknown.length > 0) ? EXIT.negative : EXIT.done)
  }
}
