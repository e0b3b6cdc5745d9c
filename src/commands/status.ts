import { EXIT } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { paint } from './_cli/paint.ts'

const GOOD = ['up', 'loaded', 'healthy']
const BAD = ['down', 'unhealthy', 'degraded']

export default class Status extends BaseCommand {
  static override summary = 'Say whether the parts of the program work.'
  static override description = 'Reads only. Exit code 6 when the database or the native parts do not work; `doctor` says why.'
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(Status)
    this.common(flags)
    const { readStatus } = await import('../core/system/index.ts')
    const status = await readStatus((await this.app()).system)
    const shown = (text: string): string => paint(GOOD.includes(text) ? 'green' : BAD.includes(text) ? 'red' : 'dim', text)
    const lines = Object.entries(status.services).map(([name, state]) => `  ${name.padEnd(10)} ${shown(state)}`)
    const next = status.status === 'healthy' ? [] : ['', `${paint('cyan', 'singularity doctor')}`]
    this.answer(
      status,
      [`singularity ${status.version}: ${shown(status.status)}`, ...lines, ...next].join('\n'),
      status.status === 'unhealthy' ? EXIT.environment : EXIT.done,
    )
  }
}
