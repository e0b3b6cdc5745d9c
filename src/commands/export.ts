import { oneLine } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args } from './_cli/oclif.ts'
import { paint } from './_cli/paint.ts'

export default class Export extends BaseCommand {
  static override summary = 'Write a run with its candidates and approvals into a folder, for another clone.'
  static override examples = ['<%= config.bin %> export r2vq8m4k0x1 ./run']
  static override args = {
    run: Args.string({ description: 'Id of a run, or the start of one.', required: true }),
    directory: Args.string({ description: 'An empty or new folder.', required: true }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Export)
    this.common(flags)
    const written = await (await (await this.app()).improvement()).exportRun(args.run, args.directory)
    this.answer(
      written,
      `Written to ${oneLine(written.directory)}: ${written.files.join(', ')}\nIn another clone: ${paint('cyan', `singularity import ${oneLine(args.directory)}`)}`,
    )
  }
}
