import { actor } from './_cli/ask.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args } from './_cli/oclif.ts'

export default class Question extends BaseCommand {
  static override summary = 'Ask a question about a candidate; whoever knows can answer it anywhere.'
  static override examples = ["<%= config.bin %> question c2vq8m4k0x1 'is the old browser still supported?'"]
  static override args = {
    id: Args.string({ description: 'Id of a candidate.', required: true }),
    text: Args.string({ description: 'The question.', required: true }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Question)
    this.common(flags)
    const question = await (await (await this.app()).improvement()).ask(args.id, actor('command'), args.text)
    this.answer(question, `question ${question.id}   singularity answer ${question.id} TEXT`)
  }
}
