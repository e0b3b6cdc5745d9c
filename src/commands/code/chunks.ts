import { CodeCommand } from '../_cli/code.ts'
import { chunksData, presentChunks } from '../_present/code-facts.ts'

export default class CodeChunks extends CodeCommand {
  static override summary = 'Show the pieces that files are cut into for the search.'
  static override examples = ['<%= config.bin %> code chunks src/index.ts', '<%= config.bin %> code chunks --json']
  static override args = CodeCommand.paths
  static override flags = CodeCommand.baseFlag

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeChunks)
    this.common(flags)
    const found = await (await this.app()).facts.chunks(this.queryOf(argv, flags))
    this.answer(chunksData(found), presentChunks(found))
  }
}
