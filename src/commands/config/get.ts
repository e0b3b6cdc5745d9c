import { settingName } from '../../core/config/index.ts'
import { printable } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { Args } from '../_cli/oclif.ts'

export default class ConfigGet extends BaseCommand {
  static override summary = 'Print the value of one setting.'
  static override examples = ['<%= config.bin %> config get plan.test', '<%= config.bin %> config get landing.protected --json']
  static override args = { name: Args.string({ description: 'Name of the setting.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigGet)
    this.common(flags)
    const name = settingName(args.name)
    const found = (await (await this.app()).settings()).list().find((each) => each.name === name)!
    this.answer(found, printable(typeof found.value === 'string' ? found.value : JSON.stringify(found.value)))
  }
}
