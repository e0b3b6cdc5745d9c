import { SingularityError } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { presentUninstall } from './_present/system.ts'
import { Flags } from './_cli/oclif.ts'

export default class Uninstall extends BaseCommand {
  static override summary = 'Remove everything the program keeps for this repository.'
  static override description =
    'The state folder in .git/singularity, the refs below refs/singularity and the sandboxes. Commits, branches, settings and your files stay.'
  static override examples = ['<%= config.bin %> uninstall --dry-run', '<%= config.bin %> uninstall --yes']
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Only list.', exclusive: ['yes'], env: 'SINGULARITY_DRY_RUN' }),
    yes: Flags.boolean({ char: 'y', description: 'Remove what is listed.', env: 'SINGULARITY_UNINSTALL_YES' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Uninstall)
    this.common(flags)
    if (!flags.yes && !flags['dry-run'])
      throw new SingularityError('USAGE', 'Say which: --dry-run lists, --yes removes.', { hints: ['singularity uninstall --dry-run'] })
    const { uninstall } = await import('../core/system/index.ts')
    const report = await uninstall((await this.app()).system, { remove: Boolean(flags.yes) })
    this.answer(report, presentUninstall(report))
  }
}
