import { plural } from '../../core/kernel/index.ts'
import { readCache } from '../_cli/answers.ts'
import { BaseCommand } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'

export default class CacheClear extends BaseCommand {
  static override summary = 'Forget cached answers; what was counted stays.'
  static override examples = ['<%= config.bin %> cache clear', '<%= config.bin %> cache clear --task review --dry-run']
  static override flags = {
    task: Flags.string({ description: 'Only answers of this kind of task.', env: 'SINGULARITY_TASK' }),
    'dry-run': Flags.boolean({ description: 'Count, forget nothing.', default: false, env: 'SINGULARITY_DRY_RUN' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(CacheClear)
    this.common(flags)
    const { clearEntries } = await import('../../core/answering/index.ts')
    const cleared = clearEntries(await readCache(await this.app()), flags.task ?? null, { dryRun: flags['dry-run'] })
    const words = flags['dry-run'] ? 'would be forgotten' : 'forgotten'
    this.answer({ cleared, task: flags.task ?? null, dry_run: flags['dry-run'] }, `${plural(cleared, 'answer')} ${words}`)
  }
}
