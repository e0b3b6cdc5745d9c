import { EXIT } from '../core/kernel/index.ts'
import { BaseCommand } from './_cli/base.ts'
import { EMBEDDING_FLAGS, askConsent, embeddingSettings } from './_cli/embedding-flags.ts'
import { createIndexProgress } from './_cli/index-progress.ts'
import { Flags } from './_cli/oclif.ts'
import { presentIndex } from './_present/search.ts'

export default class Index extends BaseCommand {
  static override summary = 'Bring the index of this worktree up to date, for the search.'
  static override description =
    'Only what changed is read. It may be stopped at any time: what is done stays, the next run goes on. The index lies in .git/singularity and can be deleted.'
  static override examples = ['<%= config.bin %> index', '<%= config.bin %> index --full --json']
  static override flags = {
    full: Flags.boolean({ description: 'Build a new index beside the old one, then switch over.', env: 'SINGULARITY_FULL' }),
    ...EMBEDDING_FLAGS,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Index)
    this.common(flags)
    const app = await this.app(embeddingSettings(flags))
    await askConsent(app.embedding, this.mayAsk(flags))
    const { search } = app
    const progress = createIndexProgress({ silent: flags.quiet || flags.json === true, live: process.stderr.isTTY === true })
    const built = await this.untilSignal(
      async ({ soft }) =>
        (await search.prepared(soft)).index({ full: flags.full, signal: soft, onProgress: progress.observe, onWait: progress.wait }),
      progress.stop,
    ).finally(progress.end)
    const { state, files, chunks, embedded, reusedEmbeddings, ms, bytes } = built
    this.answer({ state, files, chunks, embedded, reused_embeddings: reusedEmbeddings, ms, bytes }, presentIndex(built), EXIT.done)
  }
}
