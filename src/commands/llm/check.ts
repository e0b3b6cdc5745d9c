import { EXIT } from '../../core/kernel/index.ts'
import { BaseCommand, settingsOf } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'
import { presentCheck } from '../_present/llm-check.ts'

export default class LlmCheck extends BaseCommand {
  static override summary = 'Call every provider that is set up once, for at most a cent each, and say what each kind of request would use.'
  static override description =
    'One small request goes through proxy, certificates, key, schema and tools, and is reserved and settled like any other. A provider that was blocked is tried as well and is free again when it works. Exit code 7 when simple, medium or complex requests have no model that works.'
  static override examples = ['<%= config.bin %> llm check', '<%= config.bin %> llm check --dry-run', '<%= config.bin %> llm check --json']
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Send nothing: only say what would be used.', env: 'SINGULARITY_DRY_RUN' }),
    offline: Flags.boolean({ description: 'Call only servers on this machine.', env: 'SINGULARITY_OFFLINE' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(LlmCheck)
    this.common(flags)
    const { models } = await this.app(settingsOf(flags))
    const report = await models.check({ dryRun: flags['dry-run'] ?? false })
    const served = report.complexities.every(({ model }) => model !== null)
    this.answer(report, presentCheck(report), served ? EXIT.done : EXIT.provider)
  }
}
