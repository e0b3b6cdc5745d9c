import { SingularityError } from '../../core/kernel/index.ts'
import { BaseCommand } from '../_cli/base.ts'
import { Args, Flags } from '../_cli/oclif.ts'
import { presentForgotten } from '../_present/index-state.ts'

export default class IndexForget extends BaseCommand {
  static override strict = false
  static override summary = 'Take files out of the index, or everything no worktree has any more.'
  static override description =
    'The text is overwritten, not only unlinked. A file that is still here and not ignored comes back with the next index. What was sent to a server for its vectors stays there, and is listed.'
  static override examples = ['<%= config.bin %> index forget secrets/', '<%= config.bin %> index forget --gone']
  static override args = { paths: Args.string({ description: 'Files or folders.' }) }
  static override flags = {
    gone: Flags.boolean({ description: 'Worktrees that were removed, and what no file says any more.', env: 'SINGULARITY_GONE' }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(IndexForget)
    this.common(flags)
    if ((argv.length === 0) === !flags.gone)
      throw new SingularityError('USAGE', 'Name files or folders, or --gone.', { hints: ['singularity index forget --gone'] })
    const app = await this.app()
    const forgotten = await app.search.forget(flags.gone ? null : argv.map(String))
    const sent = await app.embedding.sent()
    this.answer({ ...forgotten, left_the_machine: sent }, presentForgotten(forgotten, sent))
  }
}
