import { CodeCommand } from '../_cli/code.ts'
import { functionsData, presentFunctions } from '../_present/code-facts.ts'

export default class CodeFunctions extends CodeCommand {
  static override summary = 'List the functions of files, with their figures.'
  static override examples = ['<%= config.bin %> code functions src', '<%= config.bin %> code functions --base HEAD~3 --json']
  static override args = CodeCommand.paths
  static override flags = CodeCommand.baseFlag

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeFunctions)
    this.common(flags)
    const found = await (await this.app()).facts.functions(this.queryOf(argv, flags))
    this.answer(functionsData(found), presentFunctions(found))
  }
}
