import { CodeCommand } from '../_cli/code.ts'
import { presentTechnologies } from '../_present/code.ts'

export default class CodeTech extends CodeCommand {
  static override summary = 'Tell the frameworks and tools a repository is made with, and what shows it.'
  static override examples = ['<%= config.bin %> code tech', '<%= config.bin %> code tech --base v1.0 --json']
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = CodeCommand.baseFlag

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeTech)
    this.common(flags)
    const technologies = await (await this.app()).code.technologies(this.queryOf(argv, flags))
    this.answer({ technologies }, presentTechnologies(technologies))
  }
}
