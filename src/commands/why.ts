import { SingularityError, oneLine } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { presentCandidate } from './_present/candidate.ts'
import { Args } from './_cli/oclif.ts'

export default class Why extends BaseCommand {
  static override summary = 'Tell which change, rule, evidence and approval made a line.'
  static override examples = ['<%= config.bin %> why src/price.js:8']
  static override args = { place: Args.string({ description: 'FILE:LINE', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Why)
    this.common(flags)
    const [, file, line] = args.place.match(/^(.+):(\d+)$/s) ?? []
    if (file === undefined)
      throw new SingularityError('USAGE', `${args.place} is not FILE:LINE.`, { hints: ['singularity why src/price.js:8'] })
    const origin = await (await (await this.app()).improvement()).why(file, Number(line))
    const trailers = Object.entries(origin.trailers).map(([name, value]) => `  ${name}: ${oneLine(value)}`)
    const head = `${oneLine(origin.file)}:${origin.line}  ${oneLine(origin.text)}\n${origin.commit === '' ? 'not committed yet' : `commit ${origin.commit.slice(0, 12)}`}\n${trailers.join('\n')}`
    this.answer(
      origin,
      `${head}\n${origin.candidate ? `\n${presentCandidate(origin.candidate)}` : trailers.length === 0 ? 'No change of singularity made this line.' : ''}`,
    )
  }
}
