import { oneLine } from '../core/kernel/index.ts'
import { actor } from './_cli/ask.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args, Flags } from './_cli/oclif.ts'

export default class Reject extends BaseCommand {
  static override summary = 'Say no to a candidate; it is not offered again until it changes.'
  static override examples = ["<%= config.bin %> reject c2vq8m4k0x1 --reason 'we like it as it is'"]
  static override args = { id: Args.string({ description: 'Id of a candidate, or the start of one.', required: true }) }
  static override flags = {
    reason: Flags.string({ description: 'Why not.', required: true, env: 'SINGULARITY_REASON' }),
    yes: Flags.boolean({ char: 'y', description: 'Accepted for scripts.', env: 'SINGULARITY_YES' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Reject)
    this.common(flags)
    const candidate = await (await (await this.app()).improvement()).reject(args.id, actor('command'), flags.reason)
    this.answer(candidate, `declined  ${candidate.id}  ${oneLine(candidate.title)}`)
  }
}
