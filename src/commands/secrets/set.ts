import { SingularityError, parseDuration } from '../../core/kernel/index.ts'
import { askHidden, readSecret } from '../_cli/ask-secret.ts'
import { BaseCommand } from '../_cli/base.ts'
import { presentSecrets } from '../_present/secrets.ts'
import { Args, Flags } from '../_cli/oclif.ts'

export default class SecretsSet extends BaseCommand {
  static override summary = "Store the key of a provider, in the system's secret store or in an encrypted file."
  static override description =
    'The value is typed without being shown, or read from standard input; never from the command line. The file is in the age format: its passphrase is asked for, or comes from SINGULARITY_SECRETS_PASSPHRASE, or SINGULARITY_SECRETS_IDENTITY names an identity file.'
  static override examples = [
    '<%= config.bin %> secrets set OPENAI_API_KEY',
    'pass show openai | <%= config.bin %> secrets set OPENAI_API_KEY --expires 90d',
  ]
  static override args = { name: Args.string({ description: 'Name of the key, as in the environment.', required: true }) }
  static override flags = {
    store: Flags.option({ options: ['system', 'file'] as const })({
      description: 'Where to; the system where it has a store.',
      env: 'SINGULARITY_STORE',
    }),
    expires: Flags.string({ description: 'How long such a key lives: doctor warns two weeks before.', env: 'SINGULARITY_EXPIRES' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SecretsSet)
    this.common(flags)
    const mayAsk = this.mayAsk(flags)
    const lifetimeMs = flags.expires === undefined ? undefined : parseDuration(flags.expires)
    if (flags.expires !== undefined && lifetimeMs === undefined)
      throw new SingularityError('USAGE', `${flags.expires} is no duration (90d, 12h).`)
    const { secrets } = await (await this.app()).llm(mayAsk ? () => askHidden('Passphrase of the encrypted file: ') : null)
    const value = await readSecret(args.name, mayAsk)
    const options = { ...(flags.store && { store: flags.store }), ...(lifetimeMs !== undefined && { lifetimeMs }) }
    const data = await secrets.set(args.name, value, options)
    this.answer(data, presentSecrets([data]))
  }
}
