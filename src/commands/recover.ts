import { BaseCommand } from './_cli/base.ts'
import { presentRecovery } from './_present/system.ts'

export default class Recover extends BaseCommand {
  static override summary = 'Finish or take back what a killed process left, and say what was done.'
  static override description = 'Every command does this by itself before it starts; this one does nothing else.'
  static override examples = ['<%= config.bin %> recover', '<%= config.bin %> recover --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(Recover)
    this.common(flags)
    const app = await this.app()
    const report = await (await app.improvement()).recover()
    const { reclaimed } = await (await app.system.sandboxes()).reclaim()
    const data = { ...report, sandboxes: [...new Set([...report.sandboxes, ...reclaimed])] }
    this.answer(data, presentRecovery(data))
  }
}
