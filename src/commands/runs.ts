import { BaseCommand } from './_cli/base.ts'
import { table } from './_present/text.ts'
import { Flags } from './_cli/oclif.ts'

export default class Runs extends BaseCommand {
  static override summary = 'List runs, newest first.'
  static override examples = ['<%= config.bin %> runs', '<%= config.bin %> runs --limit 5 --json']
  static override flags = { limit: Flags.integer({ description: 'How many.', default: 20, min: 1, env: 'SINGULARITY_LIMIT' }) }

  async run(): Promise<void> {
    const { flags } = await this.parse(Runs)
    this.common(flags)
    const runs = await (await (await this.app()).improvement()).runs({ limit: flags.limit })
    const rows = runs.map(({ id, started_at: at, status, branch, totals }) => [
      id,
      new Date(at).toLocaleString('sv-SE').slice(0, 16),
      branch ?? '(detached)',
      totals.found === 0
        ? 'nothing found'
        : totals.not_run === totals.found
          ? `${totals.found} found, none tried`
          : `${totals.found} found, ${totals.kept} kept, ${totals.landed} landed${totals.waiting > 0 ? `, ${totals.waiting} waiting` : ''}`,
      status === 'finished' ? '' : status,
    ])
    this.answer({ runs }, rows.length === 0 ? 'No runs yet.  singularity improve' : table(rows, { grow: 3, indent: 0 }))
  }
}
