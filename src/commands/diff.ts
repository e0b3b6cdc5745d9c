import { BaseCommand } from './_cli/base.ts'
import { colorEnabled } from './_cli/paint.ts'
import { presentDiff } from './_present/diff.ts'
import { Args } from './_cli/oclif.ts'

export default class Diff extends BaseCommand {
  static override summary = 'Print the exact change of a candidate, or of everything a run keeps.'
  static override examples = ['<%= config.bin %> diff c2vq8m4k0x1', '<%= config.bin %> diff c2vq8 | git apply --check']
  static override args = { id: Args.string({ description: 'Id of a candidate or run, or the start of one.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff)
    this.common(flags)
    const service = await (await this.app()).improvement()
    const isTerminal = process.stdout.isTTY === true
    const diff = await service.diff(args.id, { color: !this.isJson && !isTerminal && colorEnabled() })
    this.answer({ diff }, isTerminal ? presentDiff(diff) : diff)
  }
}
