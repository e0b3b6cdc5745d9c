import { EXIT, SingularityError } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args, Flags } from './_cli/oclif.ts'
import { presentReplay } from './_present/decisions.ts'

export default class Replay extends BaseCommand {
  static override summary = 'Check a recorded run offline, or decide it again under another policy; nothing is run.'
  static override examples = ['<%= config.bin %> replay r2vq8m4k0x1', '<%= config.bin %> replay r2vq8 --set regression_threshold=0.02']
  static override args = { id: Args.string({ description: 'Id of a run or candidate, or the start of one.', required: true }) }
  static override flags = {
    set: Flags.string({
      description: 'NAME=VALUE: regression_threshold, allow_unexercised, auto_rollback_on_regression.',
      multiple: true,
      multipleNonGreedy: true,
      env: 'SINGULARITY_SET',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Replay)
    this.common(flags)
    const overrides: Record<string, string> = {}
    for (const pair of flags.set ?? []) {
      const at = pair.indexOf('=')
      if (at < 1) throw new SingularityError('USAGE', `--set ${pair} is not NAME=VALUE.`)
      overrides[pair.slice(0, at)] = pair.slice(at + 1)
    }
    const replayed = await (await (await this.app()).improvement()).replay(args.id, overrides)
    this.answer(replayed, presentReplay(replayed, flags.set ?? []), replayed.ok ? EXIT.done : EXIT.negative)
  }
}
