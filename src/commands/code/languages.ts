import { SingularityError } from '../../core/kernel/index.ts'
import { BaseCommand, OFFLINE_FLAG, settingsOf } from '../_cli/base.ts'
import { Args } from '../_cli/oclif.ts'
import { presentLanguages } from '../_present/code-languages.ts'

export default class CodeLanguages extends BaseCommand {
  static override summary = 'List the languages that are known and how each is read here, or fetch the grammar of one.'
  static override description =
    'By its syntax, by tokens, or as text: what cannot be read by its syntax says why. The share is that of the bytes of this repository in known languages. `add` takes the archive from the package registry npm is configured for, checks it against the pinned hash, and keeps one file of it in your state folder.'
  static override examples = [
    '<%= config.bin %> code languages',
    "<%= config.bin %> code languages --json | jq '.data.languages[] | select(.tier > 1)'",
    '<%= config.bin %> code languages add kotlin',
  ]
  static override args = {
    action: Args.string({ description: 'add, to fetch a grammar: files of its language are read by their syntax then.', options: ['add'] }),
    language: Args.string({ description: 'Which language.' }),
  }
  static override flags = { ...OFFLINE_FLAG }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(CodeLanguages)
    this.common(flags)
    const app = await this.app(settingsOf(flags))
    if (args.action !== undefined && args.language === undefined)
      throw new SingularityError('USAGE', 'Which language?', { hints: ['singularity code languages'] })
    const offline = args.action !== undefined && (await app.settings()).get<boolean>('offline')
    const rows =
      args.language === undefined
        ? await app.code.languages()
        : [await this.untilSignal(({ soft }) => app.code.addLanguage(args.language!, { offline, signal: soft }))]
    this.answer({ languages: rows.map(({ name: _title, id, ...row }) => ({ name: id, ...row })) }, presentLanguages(rows))
  }
}
