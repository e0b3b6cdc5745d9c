import { BaseCommand } from './_cli/base.ts'
import { Flags } from './_cli/oclif.ts'
import { presentRecovery } from './_present/system.ts'

export default class Recover extends BaseCommand {
  static override summary = 'Finish or take back what a killed process left, and say what was done.'
  static override description = 'Every command does this by itself before it starts; this one does nothing else.'
  static override examples = ['<%= config.bin %> recover', '<%= config.bin %> recover --detach', '<%= config.bin %> recover --json']

  static override flags = {
    detach: Flags.boolean({
      description: 'Leave it to a worker, which tidies up the queue as well, and print the id of the job.',
      env: 'SINGULARITY_DETACH',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Recover)
    this.common(flags)
    const app = await this.app()
    if (flags.detach) {
      const detached = await app.detachJob.upkeep()
      return this.answer(detached, detached.id)
    }
    const report = await (await app.improvement()).recover()
    const { reclaimed } = await (await app.system.sandboxes()).reclaim()
    const data = { ...report, sandboxes: [...new Set([...report.sandboxes, ...reclaimed])] }
    this.answer(data, presentRecovery(data))
  }
}
