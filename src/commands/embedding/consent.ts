import { BaseCommand } from '../_cli/base.ts'
import { Args, Flags } from '../_cli/oclif.ts'
import { presentConsent } from '../_present/embedding.ts'

export default class EmbeddingConsent extends BaseCommand {
  static override summary = 'Say that pieces of this repository may go to a host, to be made vectors of; or take that back.'
  static override description =
    'Your own settings have to name the host too (embedding.allow). Files of secrets are never sent, and what looks like a credential is taken out. What was sent before stays there: `index status` lists it.'
  static override examples = [
    '<%= config.bin %> embedding consent api.openai.com',
    '<%= config.bin %> embedding consent api.openai.com --revoke',
  ]
  static override args = { host: Args.string({ description: 'The host, with its port where that is not the usual one.', required: true }) }
  static override flags = { revoke: Flags.boolean({ description: 'Nothing more is sent there.', env: 'SINGULARITY_REVOKE' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(EmbeddingConsent)
    this.common(flags)
    const answer = await (await this.app()).embedding.consent(args.host, { revoke: flags.revoke })
    this.answer(answer, presentConsent(answer))
  }
}
