import { SingularityError } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { buildAfterwards } from './_cli/index-progress.ts'
import { embeddingSettings } from './_cli/embedding-flags.ts'
import { Args } from './_cli/oclif.ts'
import { SEARCH_FLAGS } from './_cli/search-flags.ts'
import { exitWith } from './_cli/present-error.ts'
import { browse } from './_cli/search-browse.ts'
import { answerLines, packed } from './_cli/search-lines.ts'
import { presentSearch, searchData } from './_present/search.ts'

export default class Search extends BaseCommand {
  static override strict = false
  static override summary = 'Search the code by names, words or a question.'
  static override description =
    'The answer is about the files as they lie here. Without an index git and plain text answer, and it is said how to build one.'
  static override examples = [
    '<%= config.bin %> search parseDate',
    '<%= config.bin %> search "where is the retry delay computed" --language typescript',
    '<%= config.bin %> search --browse --open',
    `echo '{"query": "retry delay", "max_tokens": 2000}' | <%= config.bin %> search --stdin --jsonl`,
    `<%= config.bin %> search '"cannot open file"' --path 'src/**' --json`,
  ]
  static override args = { query: Args.string({ description: 'Words, a name, a path, an error, or "a text in quotation marks".' }) }
  static override flags = SEARCH_FLAGS

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Search)
    this.common(flags)
    const app = await this.app(embeddingSettings(flags))
    const service = await app.search.service()
    const { kind, language, path, limit, explain, lexical } = flags
    const asked = { kind, language, path, limit, explain, lexical }
    const joined = flags.evidence ? app.evidence : undefined
    if (flags.stdin) return answerLines(service, { ...asked, maxTokens: flags['max-tokens'] }, joined)
    const text = argv.map(String).join(' ')
    if (this.browses(flags, argv)) {
      const build = (flags.index ?? (await app.search.buildsAfter(true))) && (await service.status()).state === 'none'
      return exitWith(await browse({ service, request: asked, query: text, open: flags.open, build }))
    }
    const found = packed(await service.search({ text, ...asked }), flags['max-tokens'])
    if (found.note !== null) this.say(found.note, flags)
    const evidence = await joined?.(found.hits)
    this.answer(searchData(found, evidence), this.isJson ? '' : presentSearch(found, evidence))
    if (found.freshness.state === 'none' && (flags.index ?? (await app.search.buildsAfter(process.stdout.isTTY === true && !flags.json))))
      await this.untilSignal(({ soft }) => buildAfterwards(service, soft, flags))
  }

  /** A bare search on a terminal is a look; in a pipe it stays a mistake. @throws USAGE where it was asked for and nobody looks */
  private browses(flags: { input: boolean; json: boolean | undefined; browse: boolean; open: boolean }, argv: readonly unknown[]): boolean {
    const asked = flags.browse || flags.open
    if (this.mayAsk(flags)) return asked || argv.length === 0
    if (!asked) return false
    throw new SingularityError('USAGE', '--browse and --open need a terminal.', { hints: ['singularity search "parse a date"'] })
  }
}
