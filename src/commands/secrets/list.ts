import { BaseCommand } from '../_cli/base.ts'
import { presentSecrets } from '../_present/secrets.ts'

export default class SecretsList extends BaseCommand {
  static override summary = 'List the keys that are stored or in the environment: names, places and dates, never values.'
  static override examples = ['<%= config.bin %> secrets list', '<%= config.bin %> secrets list --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(SecretsList)
    this.common(flags)
    const { secrets, routing } = await (await this.app()).llm()
    const names = [...routing.table().providers.values()].flatMap(({ keyName }) => keyName ?? [])
    const data = { secrets: secrets.list(names) }
    this.answer(data, presentSecrets(data.secrets))
  }
}
