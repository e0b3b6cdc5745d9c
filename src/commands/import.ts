import { plural } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args, Flags } from './_cli/oclif.ts'
import { paint } from './_cli/paint.ts'

export default class Import extends BaseCommand {
  static override summary = 'Take over a run that was exported from another clone.'
  static override description =
    'Every diff is hashed again. Who approved it there cannot be checked: what was approved waits for a yes here, unless you vouch for the folder.'
  static override examples = ['<%= config.bin %> import ./run', '<%= config.bin %> import ./run --trust-approvals']
  static override args = { directory: Args.string({ description: 'A folder written by export.', required: true }) }
  static override flags = {
    'trust-approvals': Flags.boolean({
      description: 'Take over the approvals as well: you know who wrote this folder.',
      env: 'SINGULARITY_TRUST_APPROVALS',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Import)
    this.common(flags)
    const service = await (await this.app()).improvement()
    const taken = await service.importRun(args.directory, { trustApprovals: flags['trust-approvals'] })
    const again =
      taken.asked_again.length === 0 ? '' : `\n  ${taken.asked_again.length} approved there, asked again here: singularity inbox`
    this.answer(
      taken,
      `Taken over: run ${taken.run} with ${plural(taken.candidates.length, 'candidate')}${again}\n  ${paint('cyan', `singularity show ${taken.run}`)}`,
    )
  }
}
