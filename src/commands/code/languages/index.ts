import { BaseCommand } from '../../_cli/base.ts'
import { presentLanguages } from '../../_present/code-languages.ts'

export default class CodeLanguages extends BaseCommand {
  static override summary = 'List the languages that are known, and how each is read here.'
  static override description =
    'By its syntax, by tokens, or as text: what cannot be read by its syntax says why. The share is that of the bytes of this repository in known languages.'
  static override examples = [
    '<%= config.bin %> code languages',
    "<%= config.bin %> code languages --json | jq '.data.languages[] | select(.tier > 1)'",
  ]

  async run(): Promise<void> {
    const { flags } = await this.parse(CodeLanguages)
    this.common(flags)
    const rows = await (await this.app()).code.languages()
    this.answer({ languages: rows.map(({ name: _title, id, ...row }) => ({ name: id, ...row })) }, presentLanguages(rows))
  }
}
