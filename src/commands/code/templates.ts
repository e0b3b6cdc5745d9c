import { CodeCommand } from '../_cli/code.ts'
import { presentTemplates, templatesData } from '../_present/code-templates.ts'

export default class CodeTemplates extends CodeCommand {
  static override summary = 'List what Handlebars templates take, call, put in and define.'
  static override description =
    "Variables that whoever fills a template has to give, helpers, blocks, partials and inline partials, by Handlebars' own parser. A file that is no template is listed with the reason."
  static override examples = [
    '<%= config.bin %> code templates',
    '<%= config.bin %> code templates emails --json | jq -r \'.data.templates[].items[] | select(.kind == "variable") | .name\'',
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = CodeCommand.baseFlag

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeTemplates)
    this.common(flags)
    const templates = await (await this.app()).insights.templates(this.queryOf(argv, flags))
    this.answer(templatesData(templates), presentTemplates(templates))
  }
}
