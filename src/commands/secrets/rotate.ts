import { askHidden, readSecret } from '../_cli/ask-secret.ts'
import { BaseCommand } from '../_cli/base.ts'
import { presentSecrets } from '../_present/secrets.ts'
import { Args } from '../_cli/oclif.ts'

export default class SecretsRotate extends BaseCommand {
  static override summary = 'Replace a stored key by a new one; how long it lives starts anew.'
  static override examples = [
    '<%= config.bin %> secrets rotate OPENAI_API_KEY',
    'pass show openai | <%= config.bin %> secrets rotate OPENAI_API_KEY --json',
  ]
  static override args = { name: Args.string({ description: 'Name of the stored key.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SecretsRotate)
    this.common(flags)
    const mayAsk = this.mayAsk(flags)
    const { secrets } = await (await this.app()).llm(mayAsk ? () => askHidden('Passphrase of the encrypted file: ') : null)
    const data = await secrets.rotate(args.name, await readSecret(args.name, mayAsk))
    this.answer(data, presentSecrets([data]))
  }
}
