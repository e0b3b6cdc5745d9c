import { BaseCommand } from './_cli/base.ts'
import { buildAfterwards } from './_cli/index-progress.ts'
import { Args, Flags } from './_cli/oclif.ts'
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
    `echo '{"query": "retry delay", "max_tokens": 2000}' | <%= config.bin %> search --stdin --jsonl`,
    `<%= config.bin %> search '"cannot open file"' --path 'src/**' --json`,
  ]
  static override args = { query: Args.string({ description: 'Words, a name, a path, an error, or "a text in quotation marks".' }) }
  static override flags = {
    kind: Flags.option({ options: ['code', 'symbol', 'knowledge'] as const })({
      description: 'What to look for.',
      env: 'SINGULARITY_KIND',
    }),
    language: Flags.string({ description: 'Only files of this language.', helpValue: 'LANGUAGE', env: 'SINGULARITY_LANGUAGE' }),
    path: Flags.string({ description: 'Only files this glob fits.', helpValue: 'GLOB', env: 'SINGULARITY_PATH' }),
    limit: Flags.integer({ description: 'Most results (10; 5 for knowledge).', min: 1, max: 1000, env: 'SINGULARITY_LIMIT' }),
    explain: Flags.boolean({ description: 'Tell what made each score.', env: 'SINGULARITY_EXPLAIN' }),
    index: Flags.boolean({
      description: 'Where there is no index: build it after the answer, for ten seconds at most (--no-index: do not).',
      allowNo: true,
      env: 'SINGULARITY_INDEX',
    }),
    lexical: Flags.boolean({ description: 'By words only, without the model.', env: 'SINGULARITY_LEXICAL' }),
    'max-tokens': Flags.integer({
      description: 'Only as many whole results as fit into so many tokens (about 4 characters each).',
      min: 1,
      env: 'SINGULARITY_MAX_TOKENS',
    }),
    stdin: Flags.boolean({
      description: 'Answer one JSON query per line of standard input, one line each: {"query": "...", "limit": 5, "max_tokens": 2000}.',
      env: 'SINGULARITY_STDIN',
    }),
    jsonl: Flags.boolean({ description: 'With --stdin: the form of its answers, which is the only one.', env: 'SINGULARITY_JSONL' }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Search)
    this.common(flags)
    const app = await this.app()
    const service = await app.search.service()
    const { kind, language, path, limit, explain, lexical } = flags
    const asked = { kind, language, path, limit, explain, lexical }
    if (flags.stdin) return answerLines(service, { ...asked, maxTokens: flags['max-tokens'] })
    const text = argv.map(String).join(' ')
    const found = packed(await service.search({ text, ...asked }), flags['max-tokens'])
    if (found.note !== null) this.say(found.note, flags)
    this.answer(searchData(found), this.isJson ? '' : presentSearch(found))
    if (found.freshness.state === 'none' && (flags.index ?? (await app.search.buildsAfter(process.stdout.isTTY === true && !flags.json))))
      await this.untilSignal(({ soft }) => buildAfterwards(service, soft, flags))
  }
}
