import { SETTINGS } from '../../core/config/index.ts'
import { printable } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { paint } from '../_cli/paint.ts'
import { Flags } from '../_cli/oclif.ts'

export default class ConfigList extends BaseCommand {
  static override summary = 'List every setting with its value.'
  static override description =
    "Flags win over the environment, it over the repository's .singularity/config.json, that over your own file, that over the defaults. A repository's file comes with a clone: what it may not set is refused and shown here."
  static override examples = [
    '<%= config.bin %> config list',
    '<%= config.bin %> config list --origin',
    '<%= config.bin %> config list --json',
  ]
  static override flags = { origin: Flags.boolean({ description: 'Show where each value comes from.', env: 'SINGULARITY_ORIGIN' }) }

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigList)
    this.common(flags)
    const settings = await (await this.app()).settings()
    const rows = settings.list().map((each) => ({ ...each, about: SETTINGS[each.name].about }))
    const width = Math.max(...rows.map(({ name }) => name.length))
    const lines = rows.map(({ name, value, origin, source, about }) => {
      const shown = `${name.padEnd(width)}  ${printable(JSON.stringify(value))}`
      if (!flags.origin) return `${shown}  ${paint('dim', about)}`
      return `${shown}  ${paint(origin === 'default' ? 'dim' : 'cyan', origin === 'default' ? origin : `${origin}: ${printable(source)}`)}`
    })
    const refused = settings.refused.map(
      ({ name, reason }) => `${paint('yellow', 'refused')} ${name} of .singularity/config.json: ${reason}`,
    )
    this.answer({ settings: rows, refused: settings.refused }, [...lines, ...refused].join('\n'))
  }
}
