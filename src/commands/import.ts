import { BaseCommand } from './_cli/base.ts'
import { Args } from './_cli/oclif.ts'

export default class Import extends BaseCommand {
  static override summary = 'Take over a run that was exported from another clone.'
  static override examples = ['<%= config.bin %> import ./run']
  static override args = { directory: Args.string({ description: 'A folder written by export.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Import)
    this.common(flags)
    const taken = await (await (await this.app()).improvement()).importRun(args.directory)
    this.answer(taken, `run ${taken.run}: ${taken.candidates.length} candidates   singularity show ${taken.run}`)
  }
}
