import { actor } from './_cli/ask.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args } from './_cli/oclif.ts'

export default class Answer extends BaseCommand {
  static override summary = 'Answer a question about a candidate, or one that a model waits for.'
  static override examples = ["<%= config.bin %> answer q2vq8m4k0x1 'no, since May'"]
  static override args = {
    id: Args.string({ description: 'Id of a question.', required: true }),
    text: Args.string({ description: 'The answer.', required: true }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Answer)
    this.common(flags)
    const question = await (await (await this.app()).improvement()).answer(args.id, actor('command'), args.text)
    this.answer(question, `answered ${question.id} about ${question.candidate_id ?? question.run_id}`)
  }
}
