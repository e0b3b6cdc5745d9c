import { EXIT } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'
import { presentVerification, verificationData } from '../_present/index-state.ts'

export default class IndexVerify extends BaseCommand {
  static override summary = 'Check the index: its pages, its counts, and a sample of files read again.'
  static override examples = ['<%= config.bin %> index verify', '<%= config.bin %> index verify --against-fresh --json']
  static override flags = {
    'against-fresh': Flags.boolean({ description: 'Build another index and compare every file.', env: 'SINGULARITY_AGAINST_FRESH' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(IndexVerify)
    this.common(flags)
    const found = await (await (await this.app()).search.service()).verify({ againstFresh: flags['against-fresh'] })
    this.answer(verificationData(found), presentVerification(found), found.ok ? EXIT.done : EXIT.negative)
  }
}
