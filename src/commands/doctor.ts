import { EXIT } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { presentChecks } from './_present/system.ts'
import { Flags } from './_cli/oclif.ts'

export default class Doctor extends BaseCommand {
  static override summary = 'Check everything the program needs, and say how to repair it.'
  static override description = 'Works outside a repository too. Exit code 6 when something that is needed does not work.'
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --fix', '<%= config.bin %> doctor --json']
  static override flags = {
    fix: Flags.boolean({
      description:
        'Reclaim what dead processes left, build the launcher, mend damaged databases (the damaged file is kept); nothing of yours is touched.',
      env: 'SINGULARITY_FIX',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor)
    this.common(flags)
    const { runDoctor } = await import('../core/system/index.ts')
    const report = await runDoctor((await this.app()).system, { fix: flags.fix })
    const failed = report.checks.some(({ status }) => status === 'fail')
    this.answer(report, presentChecks(report), failed ? EXIT.environment : EXIT.done)
  }
}
