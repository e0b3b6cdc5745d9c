import type { CandidateData } from '../core/improvement/index.ts'
import { EXIT, SingularityError } from '../core/kernel/index.ts'
import { actor } from './_cli/ask.ts'
import { BaseCommand } from './_cli/base.ts'
import { Args, Flags } from './_cli/oclif.ts'
import { watchWork } from './_cli/watch.ts'
import { presentApproved } from './_present/decisions.ts'

export default class Approve extends BaseCommand {
  static override summary = 'Say yes to candidates and land them.'
  static override examples = [
    '<%= config.bin %> approve c2vq8m4k0x1',
    '<%= config.bin %> approve --all',
    "<%= config.bin %> approve c2vq8 --override 'the test was wrong'",
  ]
  static override args = { id: Args.string({ description: 'Ids of candidates, or the start of them.' }) }
  static override strict = false
  static override flags = {
    all: Flags.boolean({ description: 'All that waits and that the evidence keeps.', env: 'SINGULARITY_ALL', exclusive: ['override'] }),
    override: Flags.string({ description: 'Land what the evidence rolls back; the reason is recorded.', env: 'SINGULARITY_OVERRIDE' }),
    into: Flags.string({ description: "Branch to land on; 'current' for the one checked out.", env: 'SINGULARITY_INTO' }),
    'dry-run': Flags.boolean({ description: 'Check everything, change nothing.', env: 'SINGULARITY_DRY_RUN' }),
    yes: Flags.boolean({ char: 'y', description: 'Accepted for scripts; approving is the yes.', env: 'SINGULARITY_YES' }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Approve)
    this.common(flags)
    const service = await (await this.app()).improvement()
    const waiting = flags.all
      ? (await service.waiting()).candidates.map(({ candidate }) => candidate).filter(({ verdict }) => verdict === 'keep')
      : []
    const ids = flags.all ? waiting.map(({ id }) => id) : (argv as string[])
    if (flags.all && argv.length > 0) throw new SingularityError('USAGE', '--all takes no ids: it lands what the evidence keeps.')
    if (ids.length === 0 && !flags.all)
      throw new SingularityError('USAGE', 'Which candidate?', { hints: ['singularity inbox', 'singularity approve --all'] })
    const options = {
      ...(flags.override !== undefined && { override: flags.override }),
      ...(flags.into !== undefined && { into: flags.into }),
      dryRun: flags['dry-run'],
    }
    const landed: CandidateData[] = []
    const failed: { id: string; code: string; message: string }[] = []
    await watchWork(flags, { polite: false }, async ({ observe, hard, ended }) => {
      for (const id of ids) {
        try {
          landed.push(await service.approve(id, actor('command'), { ...options, watch: { observe, signal: hard } }))
        } catch (error) {
          this.terminated = ended.by === 'SIGTERM'
          if ((ids.length === 1 && !flags.all) || !SingularityError.isInstance(error) || error.kind !== 'conflict') throw error
          failed.push({ id, code: error.code, message: error.message })
        }
      }
    })
    const data = ids.length === 1 && !flags.all ? landed[0] : { candidates: landed, failed }
    this.answer(data, presentApproved(landed, failed, { dryRun: flags['dry-run'] }), failed.length > 0 ? EXIT.negative : EXIT.done)
  }
}
