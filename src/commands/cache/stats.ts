import { readCache } from '../_cli/answers.ts'
import { BaseCommand } from '../_cli/base.ts'
import { presentStatistics } from '../_present/cache.ts'

export default class CacheStats extends BaseCommand {
  static override summary = 'What rules, caches and models answered, how fast, and what that saved.'
  static override description =
    'Measured on this repository, never hoped for. Nearly the same questions share answers only where they are switched on, and only for kinds of task whose audits bound the wrong ones at 1 %: that takes 299 audits without an error, which one developer will rarely reach.'
  static override examples = ['<%= config.bin %> cache stats', '<%= config.bin %> cache stats --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(CacheStats)
    this.common(flags)
    const { readStatistics } = await import('../../core/answering/index.ts')
    const statistics = readStatistics(await readCache(await this.app()))
    this.answer(statistics, presentStatistics(statistics))
  }
}
