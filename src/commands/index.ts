import { EXIT } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { EMBEDDING_FLAGS, askConsent, embeddingSettings } from './_cli/embedding-flags.ts'
import { createIndexProgress } from './_cli/index-progress.ts'
import { Flags } from './_cli/oclif.ts'
import { exitWith } from './_cli/present-error.ts'
import { indexData, presentIndex, presentRefresh } from './_present/search.ts'

export default class Index extends BaseCommand {
  static override summary = 'Bring the index of this worktree up to date, for the search.'
  static override description =
    'Only what changed is read. It may be stopped at any time: what is done stays, the next run goes on. The index lies in .git/singularity and can be deleted. With --watch it goes on until Ctrl-C, and --json prints one object per line.'
  static override examples = [
    '<%= config.bin %> index',
    '<%= config.bin %> index --full --json',
    '<%= config.bin %> index --watch',
    `<%= config.bin %> index --include 'vendor/ours/**'`,
  ]
  static override flags = {
    full: Flags.boolean({ description: 'Build a new index beside the old one, then switch over.', env: 'SINGULARITY_FULL' }),
    ...EMBEDDING_FLAGS,
    include: Flags.string({
      description: "Search these generated, vendored or huge files too, from now on (--include '': none any more).",
      helpValue: 'GLOB',
      multiple: true,
      env: 'SINGULARITY_INCLUDE',
    }),
    watch: Flags.boolean({ description: 'Go on: read what changes as it changes, until Ctrl-C.', env: 'SINGULARITY_WATCH' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Index)
    this.common(flags)
    const app = await this.app(embeddingSettings(flags))
    await askConsent(app.embedding, this.mayAsk(flags))
    const { search } = app
    const progress = createIndexProgress({ silent: flags.quiet || flags.json === true, live: process.stderr.isTTY === true })
    const { full, include } = flags
    const options = { full, include, onProgress: progress.observe, onWait: progress.wait }
    if (!flags.watch) {
      const built = await this.untilSignal(
        async ({ soft }) => (await search.prepared(soft)).index({ ...options, signal: soft }),
        progress.stop,
      ).finally(progress.end)
      return this.answer(indexData(built), presentIndex(built), EXIT.done)
    }
    const onNote = (text: string): void => this.say(text, flags)
    await this.untilSignal(async ({ soft: signal }) =>
      (await search.prepared(signal)).watch({
        ...options,
        signal,
        onNote,
        onRefresh: (built) => (progress.end(), this.answer({ ...indexData(built), mode: built.mode }, presentRefresh(built), EXIT.done)),
      }),
    ).finally(progress.end)
    exitWith(this.exitCodeOf(EXIT.sigint))
  }
}
