import { BaseCommand } from '../_cli/base.ts'
import { EMBEDDING_FLAGS, embeddingSettings } from '../_cli/embedding-flags.ts'
import { askConsent } from '../_cli/embedding-flags.ts'
import { checkData, presentCheck } from '../_present/embedding.ts'

export default class EmbeddingCheck extends BaseCommand {
  static override summary = 'Have the embedding model answer two questions, and say what it is.'
  static override description =
    'Without a setting that is the bundled model. A model of a folder is read and run; a model of a server is asked, once you have allowed that.'
  static override examples = [
    '<%= config.bin %> embedding check',
    '<%= config.bin %> embedding check --embedding-model ~/models/bge-small --json',
  ]
  static override flags = EMBEDDING_FLAGS

  async run(): Promise<void> {
    const { flags } = await this.parse(EmbeddingCheck)
    this.common(flags)
    const { embedding } = await this.app(embeddingSettings(flags))
    await askConsent(embedding, this.mayAsk(flags))
    const found = await embedding.check()
    this.answer(checkData(found), presentCheck(found))
  }
}
