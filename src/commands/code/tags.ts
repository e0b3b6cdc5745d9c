import { resolve } from 'node:path'
import { CodeCommand } from '../_cli/code.ts'
import { Flags } from '../_cli/oclif.ts'
import { checkTagsFile, folderOf, writeTagsFile } from '../_cli/tags-file.ts'
import { plural } from '../../core/kernel/index.ts'
import { tagsData } from '../_present/code-insights.ts'

export default class CodeTags extends CodeCommand {
  static override summary = 'Export definitions as a tags file that editors read.'
  static override description =
    'The form is that of universal-ctags: vim, readtags and others jump with it. Without -o it goes to standard output, with paths from the folder you stand in. With --json it is one object instead, with paths from the top of the repository.'
  static override examples = [
    '<%= config.bin %> code tags -o tags',
    '<%= config.bin %> code tags src > tags',
    '<%= config.bin %> code tags --json | jq -r \'.data.tags[] | select(.kind == "class") | .name\'',
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = {
    output: Flags.string({
      char: 'o',
      description: 'Write this file; an older tags file is replaced, any other file is not.',
      helpValue: 'FILE',
      env: 'SINGULARITY_OUTPUT',
    }),
    'dry-run': Flags.boolean({ description: 'Say what would be written, and write nothing.', env: 'SINGULARITY_DRY_RUN' }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeTags)
    this.common(flags)
    const file = flags.output === undefined || flags.output === '-' ? null : flags.output
    if (file !== null) checkTagsFile(file)
    const app = await this.app()
    const tags = await this.untilSignal(({ soft }) => app.insights.tags(this.queryOf(argv, {}), soft))
    const folder = file === null ? process.cwd() : folderOf(file)
    const text = file === null && this.isJson ? '' : await app.insights.tagsFile(tags, { version: this.config.version, folder })
    const writes = file !== null && !flags['dry-run']
    if (writes) writeTagsFile(file, text)
    const told = `${plural(tags.length, 'definition')} ${writes ? 'written to' : 'would be written to'} ${file}.`
    this.answer(tagsData(tags, writes ? resolve(file) : null), file === null ? (flags['dry-run'] ? '' : text) : told)
  }
}
