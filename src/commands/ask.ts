import { BaseCommand, settingsOf } from './_cli/base.ts'
import { Args, Flags } from './_cli/oclif.ts'
import { QUESTION_FLAGS, readQuestion } from './_cli/question.ts'
import { showWaiting } from './_cli/watch.ts'
import { presentAnswer, presentDetached, presentEstimate, presentOrigin } from './_present/answer.ts'

export default class Ask extends BaseCommand {
  static override summary = 'Answer a question: by a rule, from the cache, else by a model.'
  static override description =
    'Rules read facts of this repository and need no key. A model gets the question and the named files, nothing else; what was sent to whom and what it cost is told. Ctrl-C cancels the request.'
  static override usage =
    'ask PROMPT|- [--file P]... [--model M] [--budget USD] [--no-llm] [--detach | --dry-run | --record F | --replay F] [FLAGS]'
  static override examples = [
    "<%= config.bin %> ask 'What is the test command?'",
    "<%= config.bin %> ask 'Why does this test flake?' --file test/clock.test.ts",
    'git diff | <%= config.bin %> ask - --schema review.json --budget 0.05',
    "<%= config.bin %> ask 'Who owns src/cart.ts?' --no-llm",
    "<%= config.bin %> ask 'Review this file.' --file src/cart.ts --dry-run",
    "<%= config.bin %> ask 'Sum up this file.' --file README.md --record answers.jsonl",
  ]
  static override args = { prompt: Args.string({ description: 'The question, or - for standard input.', required: true }) }
  static override flags = {
    ...QUESTION_FLAGS,
    detach: Flags.boolean({
      description: 'Put it into the queue for a worker and print its id instead of the answer.',
      exclusive: ['record', 'replay'],
      env: 'SINGULARITY_DETACH',
    }),
    'dry-run': Flags.boolean({
      description: 'Send nothing: say which model would be asked, and what that would cost.',
      exclusive: ['detach', 'record', 'replay'],
      env: 'SINGULARITY_DRY_RUN',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ask)
    this.common(flags)
    const { question, options } = await readQuestion(args.prompt, flags)
    const app = await this.app(settingsOf(flags))
    if (flags['dry-run']) {
      const estimate = await app.models.estimate({ request: await (await app.answering()).requestOf(question), ...options })
      return this.answer(estimate, presentEstimate(estimate))
    }
    if (flags.detach) {
      const detached = await app.detach(question, options)
      this.answer(detached, detached.id)
      return this.say(presentDetached(detached), flags)
    }
    const answering = await app.answering()
    const answer = await this.untilSignal(({ soft }) =>
      showWaiting(flags, 'waiting for an answer', () => answering.answer(question, { ...options, signal: soft })),
    )
    this.answer(answer, presentAnswer(answer))
    this.say(presentOrigin(answer), flags)
  }
}
