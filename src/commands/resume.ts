import { EXIT, oneLine } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { watchWork } from './_cli/watch.ts'

export default class Resume extends BaseCommand {
  static override summary = 'Land what was approved meanwhile but could not land then.'
  static override examples = ['<%= config.bin %> resume']

  async run(): Promise<void> {
    const { flags } = await this.parse(Resume)
    this.common(flags)
    const service = await (await this.app()).improvement()
    const { candidates } = await watchWork(flags, { polite: false }, async ({ observe, hard, ended }) => {
      try {
        return await service.resume({ watch: { observe, signal: hard } })
      } finally {
        this.terminated = ended.by === 'SIGTERM'
      }
    })
    const lines = candidates.map(
      ({ id, state, title, reasons }) =>
        `${state.replaceAll('_', ' ')} ${id} ${oneLine(title)}${state === 'landed' ? '' : ` (${oneLine(reasons.at(-1)?.detail ?? '')})`}`,
    )
    this.answer(
      { candidates },
      lines.join('\n') || 'Nothing to resume.',
      candidates.some(({ state }) => state !== 'landed') ? EXIT.personNeeded : EXIT.done,
    )
  }
}
