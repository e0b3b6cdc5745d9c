import { BaseCommand } from './_cli/base.ts'
import { presentCandidate } from './_present/candidate.ts'
import { presentRun } from './_present/run.ts'
import { presentCandidateSummary, presentSummary } from './_present/summary.ts'
import { Args, Flags } from './_cli/oclif.ts'

export default class Show extends BaseCommand {
  static override summary = 'Show a run or a candidate: the claim, its proof, and what the proof does not say.'
  static override examples = ['<%= config.bin %> show c2vq8m4k0x1', '<%= config.bin %> show r2vq8 --markdown']
  static override args = { id: Args.string({ description: 'Id of a run or candidate, or the start of one.', required: true }) }
  static override flags = { markdown: Flags.boolean({ description: 'Print Markdown.', env: 'SINGULARITY_MARKDOWN' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Show)
    this.common(flags)
    const shown = await (await (await this.app()).improvement()).show(args.id)
    const text =
      shown.kind === 'run'
        ? flags.markdown
          ? presentSummary(shown.data)
          : presentRun(shown.data)
        : flags.markdown
          ? presentCandidateSummary(shown.data)
          : presentCandidate(shown.data)
    this.answer(shown.data, text)
  }
}
