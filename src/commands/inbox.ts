import { EXIT } from '../core/kernel/index.ts'
import { actor } from './_cli/ask.ts'
import { BaseCommand } from './_cli/base.ts'
import { presentInbox } from './_present/inbox.ts'
import { Flags } from './_cli/oclif.ts'

export default class Inbox extends BaseCommand {
  static override summary = 'Decide what waits for a person: read the diff and the evidence, approve, reject, ask.'
  static override examples = ['<%= config.bin %> inbox', '<%= config.bin %> inbox --json --limit 20 --search price']

  static override flags = {
    limit: Flags.integer({ description: 'Most candidates to list.', min: 1, env: 'SINGULARITY_LIMIT' }),
    cursor: Flags.string({ description: 'Goes on after this candidate (next_cursor of the page before).', env: 'SINGULARITY_CURSOR' }),
    search: Flags.string({ description: 'Only what has this in its title, id or files.', env: 'SINGULARITY_SEARCH' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Inbox)
    this.common(flags)
    const service = await (await this.app()).improvement()
    if (this.mayAsk({ input: flags.input, json: flags.json })) {
      const { openInbox } = await import('../ui/inbox.tsx')
      await openInbox(service, actor('inbox'))
      return
    }
    const { limit, cursor, search } = flags
    const waiting = await service.waiting({
      ...(limit !== undefined && { limit }),
      ...(cursor !== undefined && { cursor }),
      ...(search !== undefined && { search }),
    })
    this.answer(waiting, presentInbox(waiting, flags), waiting.total + waiting.questions.length > 0 ? EXIT.personNeeded : EXIT.done)
  }
}
