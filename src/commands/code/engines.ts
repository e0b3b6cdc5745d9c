import { BaseCommand } from '../_cli/base.ts'
import { presentEngines } from '../_present/code-languages.ts'

export default class CodeEngines extends BaseCommand {
  static override summary = 'List the engines that read, judge and search code here, and what this repository is made with.'
  static override description =
    'What does the work of each engine on this machine, in which version, and whether it does all it could: ready, limited or missing, with the reason.'
  static override examples = [
    '<%= config.bin %> code engines',
    '<%= config.bin %> code engines --json | jq \'.data.engines[] | select(.state != "ready")\'',
  ]

  async run(): Promise<void> {
    const { flags } = await this.parse(CodeEngines)
    this.common(flags)
    const found = await (await this.app()).engines()
    this.answer(found, presentEngines(found))
  }
}
