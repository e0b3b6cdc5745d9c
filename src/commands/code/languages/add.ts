import { BaseCommand, OFFLINE_FLAG, settingsOf } from '../../_cli/base.ts'
import { Args } from '../../_cli/oclif.ts'
import { presentLanguages } from '../../_present/code-languages.ts'

export default class CodeLanguagesAdd extends BaseCommand {
  static override summary = 'Fetch the grammar of a language, so that its files are read by their syntax.'
  static override description =
    'The archive comes from the package registry npm is configured for. It is checked against the pinned hash, and one file of it is kept in your state folder.'
  static override examples = ['<%= config.bin %> code languages add kotlin']
  static override args = { language: Args.string({ description: 'A language of `code languages`.', required: true }) }
  static override flags = { ...OFFLINE_FLAG }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(CodeLanguagesAdd)
    this.common(flags)
    const app = await this.app(settingsOf(flags))
    const offline = (await app.settings()).get<boolean>('offline')
    const row = await this.untilSignal(({ soft }) => app.code.addLanguage(args.language, { offline, signal: soft }))
    const { name: _title, id, share: _share, ...rest } = row
    this.answer({ language: { name: id, ...rest } }, presentLanguages([row]))
  }
}
