import { readCache } from '../_cli/answers.ts'
import { BaseCommand } from '../_cli/base.ts'
import { presentSuspects } from '../_present/cache.ts'

export default class CacheSuspects extends BaseCommand {
  static override summary = 'Answers to nearly the same questions that may be wrong, as far as is known by now.'
  static override examples = ['<%= config.bin %> cache suspects']

  async run(): Promise<void> {
    const { flags } = await this.parse(CacheSuspects)
    this.common(flags)
    const { readSuspects } = await import('../../core/answering/index.ts')
    const suspects = readSuspects(await readCache(await this.app()))
    this.answer({ suspects }, presentSuspects(suspects))
  }
}
