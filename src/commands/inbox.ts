import { EXIT } from '../core/kernel/index.ts'
import { actor } from './_cli/ask.ts'
import { BaseCommand } from './_cli/base.ts'
import { presentInbox } from './_present/inbox.ts'

export default class Inbox extends BaseCommand {
  static override summary = 'Decide what waits for a person: read the diff and the evidence, approve, reject, ask.'
  static override examples = ['<%= config.bin %> inbox', '<%= config.bin %> inbox --json']

  async run(): Promise<void> {
    const { flags } = await this.parse(Inbox)
    this.common(flags)
    const service = await (await this.app()).improvement()
    if (this.mayAsk({ input: flags.input, json: flags.json })) {
      const { openInbox } = await import('../ui/inbox.tsx')
      await openInbox(service, actor('inbox'))
      return
    }
    const waiting = await service.waiting()
    this.answer(waiting, presentInbox(waiting), waiting.candidates.length + waiting.questions.length > 0 ? EXIT.personNeeded : EXIT.done)
  }
}
