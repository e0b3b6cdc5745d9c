import { BaseCommand } from '../_cli/base.ts'
import { presentStatus, statusData } from '../_present/index-state.ts'

export default class IndexStatus extends BaseCommand {
  static override summary = 'Show what the index holds, what it leaves out and why, whether it is up to date, and what left the machine.'
  static override examples = ['<%= config.bin %> index status', '<%= config.bin %> index status --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(IndexStatus)
    this.common(flags)
    const app = await this.app()
    const status = { ...(await (await app.search.service()).status()), sent: await app.embedding.sent() }
    this.answer(statusData(status), presentStatus(status))
  }
}
