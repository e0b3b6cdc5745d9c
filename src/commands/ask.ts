import { BaseCommand } from './_cli/base.ts'
import { Args } from './_cli/oclif.ts'
import { QUESTION_FLAGS, readQuestion } from './_cli/question.ts'
import { presentAnswer, presentOrigin } from './_present/answer.ts'

export default class Ask extends BaseCommand {
  static override summary = 'Answer a question: by a rule, from the cache, else by a model.'
  static override description =
    'Rules read facts of this repository and need no key. A model gets the question and the named files, nothing else; what was sent to whom and what it cost is told.'
  static override examples = [
    "<%= config.bin %> ask 'What is the test command?'",
    "<%= config.bin %> ask 'Why does this test flake?' --file test/clock.test.ts",
    'git diff | <%= config.bin %> ask - --schema review.json --budget 0.05',
    "<%= config.bin %> ask 'Who owns src/cart.ts?' --no-llm",
  ]
  static override args = { prompt: Args.string({ description: 'The question, or - for standard input.', required: true }) }
  static override flags = QUESTION_FLAGS

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ask)
    this.common(flags)
    const { question, options } = readQuestion(args.prompt, flags)
    const answer = await (await (await this.app()).answering()).answer(question, options)
    this.answer(answer, presentAnswer(answer))
    this.say(presentOrigin(answer), flags)
  }
}
