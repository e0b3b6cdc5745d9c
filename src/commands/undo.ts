import { oneLine } from '../core/kernel/index.ts'
import { actor } from './_cli/ask.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args, Flags } from './_cli/oclif.ts'

export default class Undo extends BaseCommand {
  static override summary = 'Take a landed candidate back by an inverse commit.'
  static override examples = ['<%= config.bin %> undo c2vq8m4k0x1', '<%= config.bin %> undo c2vq8 --dry-run']
  static override args = { id: Args.string({ description: 'Id of a candidate, or the start of one.', required: true }) }
  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'Accepted for scripts.', env: 'SINGULARITY_YES' }),
    'dry-run': Flags.boolean({ description: 'Check everything, change nothing.', env: 'SINGULARITY_DRY_RUN' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Undo)
    this.common(flags)
    const candidate = await (await (await this.app()).improvement()).undo(args.id, actor('command'), { dryRun: flags['dry-run'] })
    this.answer(candidate, flags['dry-run'] ? `${candidate.id} can be undone.` : `undone  ${candidate.id}  ${oneLine(candidate.title)}`)
  }
}
