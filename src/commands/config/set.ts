import { join } from 'node:path'
import { parseSetting, settingName, writeSetting } from '../../core/config/index.ts'
import { printable } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { Args, Flags } from '../_cli/oclif.ts'

export default class ConfigSet extends BaseCommand {
  static override summary = 'Write one setting to your own file, or to the repository.'
  static override description =
    'Comments and everything else in the file stay as they are. Lists and maps are written as JSON or a,b,c and A=1,B=2.'
  static override examples = [
    '<%= config.bin %> config set isolation.trustOwnTests true',
    "<%= config.bin %> config set plan.test 'npm run test:unit' --repository",
    `<%= config.bin %> config set landing.protected '["main", "release/*"]'`,
  ]
  static override args = {
    name: Args.string({ description: 'Name of the setting.', required: true }),
    value: Args.string({ description: 'Its new value.', required: true }),
  }
  static override flags = {
    repository: Flags.boolean({ description: 'Write .singularity/config.json of this repository.', env: 'SINGULARITY_REPOSITORY' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigSet)
    this.common(flags)
    const name = settingName(args.name)
    const value = parseSetting(name, args.value)
    const app = await this.app()
    const userFile = join(app.context.configHome, 'config.json')
    const scope = flags.repository ? ('repository' as const) : ('user' as const)
    const file = flags.repository ? join((await app.git()).repository.root, '.singularity', 'config.json') : userFile
    writeSetting({ name, value, file, scope, userFile })
    this.answer({ name, value, file, scope }, `${name} is ${printable(JSON.stringify(value))} in ${printable(file)}`)
  }
}
