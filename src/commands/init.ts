import { BaseCommand } from './_cli/base.ts'
import { presentInit } from './_present/system.ts'
import { Flags } from './_cli/oclif.ts'

export default class Init extends BaseCommand {
  static override summary = 'Show the plan that was detected and the settings this repository could use.'
  static override description =
    'Writes nothing unless --write is given; it then adds to .singularity/config.json what the file does not say yet.'
  static override examples = ['<%= config.bin %> init', '<%= config.bin %> init --write', '<%= config.bin %> init --json']
  static override flags = { write: Flags.boolean({ description: 'Write .singularity/config.json.', env: 'SINGULARITY_WRITE' }) }

  async run(): Promise<void> {
    const { flags } = await this.parse(Init)
    this.common(flags)
    const { initialize } = await import('../core/system/index.ts')
    const report = await initialize((await this.app()).system, { write: flags.write ?? false })
    this.answer(report, presentInit(report, flags.write ?? false))
  }
}
