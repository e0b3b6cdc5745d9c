import { QueueCommand } from '../_cli/queue.ts'
import { readText } from '../_cli/values.ts'
import { Args } from '../_cli/oclif.ts'

export default class QueueSend extends QueueCommand {
  static override summary = 'Send a message to a queue that programs share; prints its number.'
  static override description =
    'What is sent to ai_requests is a request as `queue enqueue` takes it: a worker works on it and publishes the answer in ai_results and llm_results.'
  static override examples = [
    '<%= config.bin %> queue send ai_requests request.json',
    `echo '{"question_id":"q2vq8m4k0x1","answer":"no, since May","token":"TOKEN"}' | <%= config.bin %> queue send question_responses -`,
  ]
  static override args = {
    queue: Args.string({ description: 'Name of the queue.', required: true }),
    file: Args.string({ description: 'File with the message, JSON; - reads standard input.', required: true }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueSend)
    this.common(flags)
    const text = await readText(args.file)
    const sent = await (await this.queue()).send(args.queue, text)
    this.answer(sent, String(sent.message_id))
  }
}
