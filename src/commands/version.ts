import { BaseCommand } from './_cli/base.ts'
import { versionData } from './_cli/command-config.ts'

export default class Version extends BaseCommand {
  static override summary = 'Print the version of the program, of Node and of the platform.'
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(Version)
    this.common(flags)
    const data = versionData(this.config)
    this.answer(data, `singularity ${data.version} (node ${data.node}, ${data.platform})`)
  }
}
