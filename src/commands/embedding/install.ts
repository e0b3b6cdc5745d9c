import { BaseCommand, OFFLINE_FLAG, settingsOf } from '../_cli/base.ts'
import { Flags } from '../_cli/oclif.ts'
import { presentRuntime } from '../_present/embedding.ts'

export default class EmbeddingInstall extends BaseCommand {
  static override summary = 'Bring what runs embedding models of a folder: ONNX Runtime and a reader of tokenizers.'
  static override description =
    'From the package registry npm is configured for, 110 MB, checked against pinned hashes; 45 MB of this platform stay in your data folder. No script of a package runs. The bundled model and models of servers need none of it.'
  static override examples = [
    '<%= config.bin %> embedding install',
    '<%= config.bin %> embedding install --dry-run',
    '<%= config.bin %> embedding install --remove',
  ]
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Say what is missing, change nothing.', env: 'SINGULARITY_DRY_RUN' }),
    remove: Flags.boolean({ description: 'Take it away again.', env: 'SINGULARITY_REMOVE' }),
    ...OFFLINE_FLAG,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(EmbeddingInstall)
    this.common(flags)
    const app = await this.app(settingsOf(flags))
    const report = await this.untilSignal(({ soft }) =>
      app.embedding.install({ dryRun: flags['dry-run'], remove: flags.remove, signal: soft }),
    )
    this.answer(report, presentRuntime(report))
  }
}
